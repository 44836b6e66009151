"""EcomAdsAuto-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.auto_bidding import baselines
from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.auto_bidding.oracle import oracle
from sb3_ecom.envs.advertising.auto_bidding.params import PRESETS

SPECS = (
    Spec(
        id="EcomAdsAuto-v0",
        summary="bid for three slots under a budget and a target cost per conversion",
        make_task=AutoTask,
        references=load_references(__file__, "EcomAdsAuto-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=64, seed=0, **kwargs: oracle(AutoTask(**kwargs), episodes, seed),
        baselines=with_tuned(
            __file__,
            "EcomAdsAuto-v0",
            {
                "constant": Parametric(baselines.constant, (Parameter("log_multiplier", -2.0, 2.0, 0.1),)),
                "fixed_cpa": baselines.fixed_cpa,
                "pid": Parametric(
                    baselines.pid,
                    (
                        Parameter("pace", 0.0, 2.0, 0.15),
                        Parameter("cost", 0.0, 2.0, 0.3),
                    ),
                ),
                "return_on_spend": Parametric(
                    baselines.return_on_spend,
                    (
                        Parameter("return_rate", 0.0, 2.0, 0.3),
                        Parameter("budget_rate", 0.0, 2.0, 0.3),
                    ),
                ),
                "online_lp": baselines.online_lp,
                "soft_score": baselines.soft_score,
                "soft_score_feedback": baselines.soft_score_feedback,
            },
        ),
        presets=tuple(PRESETS),
        live_form="Bidder",
        best_constant=(0.12,),
        constant_kwargs={"control": "absolute"},
    ),
)
