"""EcomAdsTarget-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.targeting import baselines
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.oracle import oracle, oracle_policy
from sb3_ecom.envs.advertising.targeting.params import PRESETS

SPECS = (
    Spec(
        id="EcomAdsTarget-v0",
        summary="one of 5 creatives or none on each page of a visit",
        make_task=TargetTask,
        references=load_references(__file__, "EcomAdsTarget-v0"),
        best_known_kind="bound",
        oracle=lambda **kwargs: oracle(TargetTask(**kwargs)),
        baselines=with_tuned(
            __file__,
            "EcomAdsTarget-v0",
            {
                "capped_greedy": Parametric(baselines.capped_greedy, (Parameter("cap", 0.0, 8.0, 0.0),)),
                "popular": baselines.popular,
                "thompson": baselines.thompson,
                "believed_plan": baselines.believed_plan,
                "fatigue_index": Parametric(
                    baselines.fatigue_index,
                    (
                        Parameter("crowd", 0.0, 0.2, 0.05),
                        Parameter("doubt", 0.0, 2.0, 0.0),
                        Parameter("scarcity", 0.0, 0.2, 0.0),
                        Parameter("patience", 0.0, 0.2, 0.0),
                    ),
                ),
            },
        ),
        privileged={"oracle_policy": oracle_policy},
        presets=tuple(PRESETS),
        best_constant=4,
        why_not_live="its creatives are made up, and no calibration fits them to an account",
    ),
)
