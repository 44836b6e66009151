"""EcomRecRetain-v0: data only."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.retention import baselines, oracle
from sb3_ecom.envs.recommendation.retention.env import RetentionTask

SPECS = (
    Spec(
        id="EcomRecRetain-v0",
        summary="a month of visits: bait is clicked today and keeps the customer away tomorrow",
        make_task=RetentionTask,
        references=load_references(__file__, "EcomRecRetain-v0"),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.oracle(RetentionTask(**kwargs)),
        baselines={
            "myopic": baselines.myopic,
            "relevance_only": baselines.relevance_only,
            "best_steady": baselines.best_steady,
            "planned_last_visit": baselines.planned_last_visit,
            "planned": baselines.planned,
        },
        privileged={"planner": oracle.planner},
        # Bait alone: `benchmarks/ladder.py --constant` finds no constant that earns more, but for chance.
        best_constant=(0.0, 0.0, 1.0),
        why_not_live="it looks at visitors' intents, which no shop sees",
    ),
)
