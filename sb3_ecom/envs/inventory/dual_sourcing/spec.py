"""EcomDualSourcing-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.dual_sourcing.baselines import DUAL_SOURCING
from sb3_ecom.envs.inventory.dual_sourcing.env import DualSourcingTask
from sb3_ecom.envs.inventory.dual_sourcing.oracle import oracle

SPECS = (
    Spec(
        id="EcomDualSourcing-v0",
        summary="one item, a cheap slow supplier and a dear fast one",
        make_task=DualSourcingTask,
        references=load_references(__file__, "EcomDualSourcing-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle(DualSourcingTask(**kwargs)),
        baselines=DUAL_SOURCING,
        criterion="average",
        why_not_live="it orders from two suppliers, and a Planner from one",
        best_constant=(3, 0),
    ),
)
