"""EcomRecBored-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.bored import baselines, oracle, particles, thompson
from sb3_ecom.envs.recommendation.bored.env import BoredTask
from sb3_ecom.envs.recommendation.references import measured, trained

_note = measured("EcomRecBored-v0", episodes=1024)

BORED = Spec(
    id="EcomRecBored-v0",
    summary="10 of 1000 items a page for visitors whom too much of one topic bores (SARDINE)",
    make_task=BoredTask,
    random=_note("random", 50.07, 0.26),
    best_known=_note("rotation", 473.2, 2.0),
    best_known_kind="best-known",
    oracle=oracle.best_known,
    baselines={
        "popularity": baselines.popularity,
        "last_clicks": baselines.last_clicks,
        "nearest_rotation": baselines.nearest_rotation,
        "thompson_rotation": thompson.thompson_rotation,
        "particle_rotation": particles.particle_rotation,
    },
    privileged={"greedy": oracle.greedy, "rotation": oracle.rotation},
    learner=trained("EcomRecBored-v0", "ppo", 411.22, 1.28),
    best_baseline=("particle_rotation", _note("particle_rotation", 432.4, 2.3)),
    best_constant=(203, 857, 712, 714, 780, 723, 315, 651, 336, 332),
)
