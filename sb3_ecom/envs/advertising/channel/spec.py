"""EcomAdsChannel-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.advertising.channel import baselines, oracle
from sb3_ecom.envs.advertising.channel.env import ChannelTask

_MEASURE = "python -m sb3_ecom evaluate EcomAdsChannel-v0 --baseline all --episodes 4096"
_BOUND = "python -c \"import sb3_ecom; print(sb3_ecom.spec('EcomAdsChannel-v0').oracle(episodes=2048))\""
_LADDER = "python benchmarks/ads_ladder.py EcomAdsChannel-v0 --seeds 1 --days 1024"

CHANNEL = Spec(
    id="EcomAdsChannel-v0",
    summary="spread 90 days of income over 6 channels, or save",
    make_task=ChannelTask,
    random=Reference(value=455.5, stderr=2.8, command=_MEASURE),
    best_known=Reference(value=768.8, stderr=7.8, command=_BOUND),
    best_known_kind="bound",
    oracle=oracle.solve,
    baselines={
        "uniform": baselines.uniform,
        "water_filling": baselines.water_filling,
        "learning_water_filling": baselines.learning_water_filling,
        "planned": baselines.planned,
    },
    learner=("PPO", Reference(value=670.1, stderr=9.9, command=_LADDER)),
    best_baseline=("planned", Reference(value=759.4, stderr=5.8, command=_MEASURE)),
    best_constant=(0.239, 0.252, 0.08, 0.218, 0.248, 0.086, -0.469),  # found by _LADDER
)
