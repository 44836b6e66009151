"""EcomAdsTarget-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.advertising.target import baselines, oracle
from sb3_ecom.envs.advertising.target.env import TargetTask
from sb3_ecom.envs.advertising.target.params import PRESETS

_MEASURE = "python -m sb3_ecom evaluate EcomAdsTarget-v0 --baseline all --privileged --episodes 8192"
_BOUND = "python -c \"import sb3_ecom; print(sb3_ecom.spec('EcomAdsTarget-v0').oracle())\""
_LADDER = "python benchmarks/ads_ladder.py EcomAdsTarget-v0 --seeds 1"

TARGET = Spec(
    id="EcomAdsTarget-v0",
    summary="one of 5 creatives or none on each page of a visit",
    make_task=TargetTask,
    random=Reference(value=0.565, stderr=0.010, command=_MEASURE),
    best_known=Reference(value=2.4263, stderr=0.0, command=_BOUND),
    best_known_kind="bound",
    oracle=oracle.solve,
    baselines={
        "capped_greedy": baselines.capped_greedy,
        "popular": baselines.popular,
        "thompson": baselines.thompson,
        "believed_plan": baselines.believed_plan,
    },
    privileged={"informed": oracle.informed},
    presets=tuple(PRESETS),
    learner=("PPO", Reference(value=1.553, stderr=0.032, command=_LADDER)),
    best_baseline=("capped_greedy", Reference(value=1.576, stderr=0.021, command=_MEASURE)),
    best_constant=4,
)
