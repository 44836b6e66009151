"""EcomRecEvolution-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.evolution import baselines, oracle
from sb3_ecom.envs.recommendation.evolution.env import EvolutionTask
from sb3_ecom.envs.recommendation.references import measured, trained

_note = measured("EcomRecEvolution-v0", episodes=16384)

EVOLUTION = Spec(
    id="EcomRecEvolution-v0",
    summary="3 of 10 fresh documents a page until the viewer's time is spent (RecSim)",
    make_task=EvolutionTask,
    random=_note("random", 160.5, 0.092),
    best_known=_note("clairvoyant_lambda", 280.5, 0.37),
    best_known_kind="best-known",
    oracle=oracle.best_known,
    baselines={
        "myopic": baselines.myopic,
        "highest_quality": baselines.highest_quality,
        "learned_quality": baselines.learned_quality,
        "lambda_greedy": baselines.lambda_greedy,
    },
    privileged={"clairvoyant_lambda": oracle.clairvoyant_lambda},
    best_baseline=("lambda_greedy", _note("lambda_greedy", 279.9, 0.37)),
    learner=trained("EcomRecEvolution-v0", "ppo", 271.80, 0.60),
    best_constant=(0, 1, 2),
)
