"""EcomAds-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.advertising.pacing import baselines, oracle, rules, smoothing
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.presets import preset_names

_MEASURE = "python -m sb3_ecom evaluate EcomAds-v0 --baseline all --privileged --episodes 4096"
_BOUND = "python -c \"import sb3_ecom; print(sb3_ecom.spec('EcomAds-v0').oracle(episodes=4096))\""
_LADDER = "python benchmarks/ads_ladder.py EcomAds-v0 --seeds 5"

PACING = Spec(
    id="EcomAds-v0",
    summary="pace a day's budget over 48 ticks of auctions",
    make_task=PacingTask,
    random=Reference(value=989.8, stderr=12.6, command=_MEASURE),
    best_known=Reference(value=1790.8, stderr=14.8, command=_BOUND),
    best_known_kind="bound",
    oracle=oracle.solve,
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
    privileged={"informed": oracle.Informed},
    presets=preset_names("pacing"),
    best_constant=(0.07,),
    best_baseline=("model_predictive_feedback", Reference(value=1711.0, stderr=14.9, command=_LADDER)),
    # On top of that very bidder; on the same days .25 (.08) more.
    learner=("PPO", Reference(value=1711.2, stderr=14.9, command=_LADDER)),
)
