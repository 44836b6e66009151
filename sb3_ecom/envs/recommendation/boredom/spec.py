"""EcomRecBored-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.boredom import baselines, oracle, particles, thompson
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask

SPECS = (
    Spec(
        id="EcomRecBored-v0",
        summary="10 of 1000 items a page for visitors whom too much of one topic bores (SARDINE)",
        make_task=BoredomTask,
        references=load_references(__file__, "EcomRecBored-v0"),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.oracle(BoredomTask(**kwargs)),
        baselines={
            "popularity": baselines.popularity,
            "last_clicks": baselines.last_clicks,
            "nearest_rotation": baselines.nearest_rotation,
            "thompson_rotation": thompson.thompson_rotation,
            "particle_rotation": particles.particle_rotation,
        },
        privileged={"greedy": oracle.greedy, "rotation": oracle.rotation},
        best_constant=(203, 857, 712, 714, 780, 723, 315, 651, 336, 332),
        why_not_live="its items are made up, and no calibration fits them to a shop",
    ),
)
