"""EcomAdsRank-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.advertising.rank import baselines, oracle
from sb3_ecom.envs.advertising.rank.env import RankTask
from sb3_ecom.envs.advertising.rank.params import PRESETS

_MEASURE = "python -m sb3_ecom evaluate EcomAdsRank-v0 --baseline all --privileged --episodes 2048"
_INFORMED = "python -m sb3_ecom evaluate EcomAdsRank-v0 --baseline informed --episodes 2048"
_LADDER = "python benchmarks/ads_ladder.py EcomAdsRank-v0 --seeds 1 --days 2048"

RANK = Spec(
    id="EcomAdsRank-v0",
    summary="a platform's reserve and click weight over 60 days of ad auctions",
    make_task=RankTask,
    random=Reference(value=93.08, stderr=1.7, command=_MEASURE),
    best_known=Reference(value=163.1, stderr=2.3, command=_INFORMED),
    best_known_kind="best-known",
    oracle=oracle.solve,
    baselines={
        "constant": baselines.constant,
        "myerson": baselines.myerson,
        "tracking": baselines.tracking,
        "planned": baselines.planned,
    },
    privileged={"informed": oracle.informed},
    presets=tuple(PRESETS),
    learner=("PPO", Reference(value=154.7, stderr=2.3, command=_LADDER)),
    best_baseline=("planned", Reference(value=159.7, stderr=2.2, command=_MEASURE)),
)
