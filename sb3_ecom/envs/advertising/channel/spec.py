"""EcomAdsChannel-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.channel import baselines
from sb3_ecom.envs.advertising.channel.env import ChannelTask
from sb3_ecom.envs.advertising.channel.oracle import oracle

SPECS = (
    Spec(
        id="EcomAdsChannel-v0",
        summary="spread 90 days of income over 6 channels, or save",
        make_task=ChannelTask,
        references=load_references(__file__, "EcomAdsChannel-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=256, seed=0, **kwargs: oracle(ChannelTask(**kwargs), episodes, seed),
        baselines=with_tuned(
            __file__,
            "EcomAdsChannel-v0",
            {
                "uniform": baselines.uniform,
                "water_filling": baselines.water_filling,
                "learning_water_filling": baselines.learning_water_filling,
                "planned": baselines.planned,
                "scaled_plan": Parametric(
                    baselines.scaled_plan,
                    (
                        Parameter("level", -1.0, 1.0, 0.0),
                        Parameter("slope", -3.0, 3.0, 0.0),
                        Parameter("bend", -3.0, 3.0, 0.0),
                    ),
                ),
            },
        ),
        best_constant=(0.239, 0.252, 0.08, 0.218, 0.248, 0.086, -0.469),
        why_not_live="how its channels respond is assumed, and no calibration fits that to an account",
    ),
)
