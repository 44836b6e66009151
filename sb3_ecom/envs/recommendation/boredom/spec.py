"""EcomRecBored-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
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
        baselines=with_tuned(
            __file__,
            "EcomRecBored-v0",
            {
                "popularity": baselines.popularity,
                "last_clicks": baselines.last_clicks,
                "nearest_rotation": Parametric(
                    baselines.nearest_rotation,
                    (
                        Parameter("memory", 1.0, 20.0, 10.0),
                        Parameter("discount", 0.0, 1.0, 0.1),
                    ),
                ),
                "thompson_rotation": Parametric(
                    thompson.thompson_rotation,
                    (
                        Parameter("spread", 0.0, 1.0, 0.08),
                        Parameter("discount", 0.0, 1.0, 0.33),
                        Parameter("crowd", 0.0, 2.0, 0.49),
                        Parameter("share", 0.0, 1.0, 0.65),
                        Parameter("steep", 1.0, 100.0, 48.0),
                        Parameter("offset", 0.0, 1.0, 0.6),
                    ),
                ),
                "particle_rotation": Parametric(
                    particles.particle_rotation,
                    (
                        Parameter("discount", 0.0, 1.0, 0.35),
                        Parameter("crowd", 0.0, 2.0, 0.5),
                    ),
                ),
            },
        ),
        privileged={"greedy": oracle.greedy, "rotation": oracle.rotation},
        best_constant=(203, 857, 712, 714, 780, 723, 315, 651, 336, 332),
        why_not_live="its items are made up, and no calibration fits them to a shop",
    ),
)
