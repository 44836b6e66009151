"""EcomChain-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.chain.baselines import CHAIN
from sb3_ecom.envs.inventory.chain.env import ChainTask
from sb3_ecom.envs.inventory.chain.oracle import oracle

SPECS = (
    Spec(
        id="EcomChain-v0",
        summary="a supply chain with capacities and long lead times, for one season of 30 periods",
        make_task=ChainTask,
        references=load_references(__file__, "EcomChain-v0"),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle(ChainTask(**kwargs)),
        baselines=CHAIN,
        why_not_live="it orders for several places, and a Planner for one",
        best_constant=(-0.625, -0.46, -0.5),
        teaches=(
            "a constant order already earns most of a season's profit: the id teaches the end of the season, "
            "when to stop ordering at which stage; compare with `echelon_base_stock`"
        ),
    ),
)
