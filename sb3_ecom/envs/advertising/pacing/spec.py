"""EcomAds-v0: its task, baselines, oracle and references."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.advertising.pacing import baselines, rules, smoothing
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.oracle import OraclePolicy, oracle
from sb3_ecom.envs.advertising.pacing.presets import preset_names

SPECS = (
    Spec(
        id="EcomAds-v0",
        summary="pace a day's budget over 48 ticks of auctions",
        make_task=PacingTask,
        references=load_references(__file__, "EcomAds-v0"),
        best_known_kind="bound",
        oracle=lambda episodes=256, seed=0, **kwargs: oracle(PacingTask(**kwargs), episodes, seed),
        baselines={
            "fixed_cpa": rules.fixed_cpa,
            "constant": baselines.constant,
            "pid": baselines.pid,
            "dual_pacing": baselines.dual_pacing,
            "online_lp": rules.online_lp,
            "marginal_return": rules.marginal_return,
            "model_predictive": baselines.model_predictive,
            "model_predictive_feedback": baselines.model_predictive_feedback,
            "model_predictive_smoothed": smoothing.model_predictive_smoothed,
        },
        privileged={"oracle_policy": OraclePolicy},
        presets=preset_names(),
        best_constant=(0.07,),
        live_form="Bidder",
    ),
)
