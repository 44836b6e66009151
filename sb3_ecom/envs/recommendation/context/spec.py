"""EcomRecContext-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Reference, Spec
from sb3_ecom.envs.recommendation.context import baselines, oracle
from sb3_ecom.envs.recommendation.context.env import ContextTask
from sb3_ecom.envs.recommendation.references import measured, trained

_note = measured("EcomRecContext-v0", episodes=16384)
_OPTIMUM = "python -c \"import sb3_ecom; print(sb3_ecom.spec('EcomRecContext-v0').oracle())\""

CONTEXT = Spec(
    id="EcomRecContext-v0",
    summary="3 of 34 items for visitors by hour, device and place (Open Bandit log)",
    make_task=ContextTask,
    random=_note("random", 1.479, 0.009),
    best_known=Reference(value=7.3012, stderr=0.0, command=_OPTIMUM),
    best_known_kind="optimal",
    oracle=oracle.optimum,
    baselines={
        "popularity": baselines.popularity,
        "linucb": baselines.linucb,
        "thompson": baselines.thompson,
    },
    privileged={"clairvoyant": oracle.clairvoyant},
    best_baseline=("thompson", _note("thompson", 6.184, 0.019)),
    learner=trained("EcomRecContext-v0", "ppo", 6.215, 0.039),
    best_constant=(21, 6, 11),
)
