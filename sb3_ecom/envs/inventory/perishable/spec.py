"""EcomPerishable-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.perishable.baselines import PERISHABLE
from sb3_ecom.envs.inventory.perishable.env import PerishableTask
from sb3_ecom.envs.inventory.perishable.oracle import oracle

SPECS = (
    Spec(
        id="EcomPerishable-v0",
        summary="one item that spoils after two periods: neither lost sales nor waste",
        make_task=PerishableTask,
        references=load_references(__file__, "EcomPerishable-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle(PerishableTask(**kwargs)),
        baselines=PERISHABLE,
        criterion="average",
        why_not_live="it looks at stock by age, and a Planner takes units by SKU alone",
        best_constant=4,
        teaches=(
            "stock that spoils in two periods leaves little to decide, and a constant order is nearly "
            "optimal: the id tells whether a learner gets the last few percent, against an exact optimum"
        ),
    ),
)
