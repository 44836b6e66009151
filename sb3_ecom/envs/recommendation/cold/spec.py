"""EcomRecCold-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.cold import baselines, oracle
from sb3_ecom.envs.recommendation.cold.env import ColdTask
from sb3_ecom.envs.recommendation.references import measured, trained

_note = measured("EcomRecCold-v0", episodes=4096)

COLD = Spec(
    id="EcomRecCold-v0",
    summary="show one of 20 items that are new in every episode, 200 times",
    make_task=ColdTask,
    random=_note("random", 31.17, 0.12),
    best_known=_note("clairvoyant", 93.75, 0.40),
    best_known_kind="bound",
    oracle=oracle.bound,
    baselines={
        "features_only": baselines.features_only,
        "epsilon_greedy": baselines.epsilon_greedy,
        "ucb": baselines.ucb,
        "thompson": baselines.thompson,
        "linucb": baselines.LinUcb,
        "thompson_features": baselines.thompson_features,
    },
    privileged={"clairvoyant": oracle.clairvoyant},
    best_baseline=("linucb", _note("linucb", 80.13, 0.45)),
    learner=trained("EcomRecCold-v0", "ppo", 80.14, 0.44),
    best_constant=0,
)
