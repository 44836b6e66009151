"""EcomLostSales-v0 and EcomSetupCost-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.single_item.baselines import LOST_SALES, SETUP_COST
from sb3_ecom.envs.inventory.single_item.env import LostSalesTask, SetupCostTask
from sb3_ecom.envs.inventory.single_item.oracle import oracle

SPECS = (
    Spec(
        id="EcomLostSales-v0",
        summary="one item, lead time, lost sales: keep the shelf neither empty nor full",
        make_task=LostSalesTask,
        references=load_references(__file__, "EcomLostSales-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle(LostSalesTask(**kwargs)),
        baselines=LOST_SALES,
        criterion="average",
        live_form="Planner",
        best_constant=4,
        teaches=(
            "random orders cost so much that a constant one comes near: the id tells, against an exact "
            "optimum, by how many percent a learner costs more (`Result.above_optimum`), not by the score"
        ),
    ),
    Spec(
        id="EcomSetupCost-v0",
        summary="one item, a fixed cost per order: order in batches, neither too early nor too late",
        make_task=SetupCostTask,
        references=load_references(__file__, "EcomSetupCost-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle(SetupCostTask(**kwargs)),
        baselines=SETUP_COST,
        criterion="average",
        live_form="Planner",
        best_constant=11,
    ),
)
