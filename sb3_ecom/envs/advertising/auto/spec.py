"""EcomAdsAuto-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.advertising.auto import baselines, oracle
from sb3_ecom.envs.advertising.auto.env import AutoTask
from sb3_ecom.envs.advertising.auto.params import PRESETS

_MEASURE = "python -m sb3_ecom evaluate EcomAdsAuto-v0 --baseline all --episodes 2048"
_BOUND = "python -c \"import sb3_ecom; print(sb3_ecom.spec('EcomAdsAuto-v0').oracle(episodes=1024))\""
_LADDER = "python benchmarks/ads_ladder.py EcomAdsAuto-v0 --seeds 1 --days 1024"

AUTO = Spec(
    id="EcomAdsAuto-v0",
    summary="bid for three slots under a budget and a target cost per conversion",
    make_task=AutoTask,
    random=Reference(value=92.0, stderr=2.5, command=_MEASURE),
    best_known=Reference(value=326.0, stderr=6.1, command=_BOUND),
    best_known_kind="bound",
    oracle=oracle.solve,
    baselines={
        "constant": baselines.constant,
        "fixed_cpa": baselines.fixed_cpa,
        "pid": baselines.pid,
        "return_on_spend": baselines.return_on_spend,
        "online_lp": baselines.online_lp,
        "soft_score": baselines.soft_score,
        "soft_score_feedback": baselines.soft_score_feedback,
    },
    presets=tuple(PRESETS),
    learner=("PPO", Reference(value=227.7, stderr=5.2, command=_LADDER)),
    best_baseline=("soft_score", Reference(value=237.5, stderr=3.8, command=_MEASURE)),
)
