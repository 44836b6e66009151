"""EcomInventory-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.shop.baselines import PRIVILEGED, SHOP
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.oracle import oracle

SPECS = (
    Spec(
        id="EcomInventory-v0",
        summary="a web shop's warehouse: shared storage, drifting demand that empty shelves hide",
        make_task=ShopTask,
        references=load_references(__file__, "EcomInventory-v0"),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle(ShopTask(**kwargs)),
        baselines=SHOP,
        privileged=PRIVILEGED,
        presets=("online_retail_uk",),
        live_form="Planner",
        best_constant=(-1.0, -0.613, -0.613, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -0.677),
        constant_kwargs={"action": "quantity"},
        zero_action="a reorder point and a lot of the forecast demand, untuned",
    ),
)
