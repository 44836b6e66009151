"""EcomSerial-v0."""

from __future__ import annotations

from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.inventory.serial.baselines import SERIAL
from sb3_ecom.envs.inventory.serial.env import SerialTask
from sb3_ecom.envs.inventory.serial.oracle import oracle

SPECS = (
    Spec(
        id="EcomSerial-v0",
        summary="a three-stage supply chain with backlog: order for every stage",
        make_task=SerialTask,
        references=load_references(__file__, "EcomSerial-v0"),
        best_known_kind="optimal",
        oracle=lambda **kwargs: oracle(SerialTask(**kwargs)),
        baselines=SERIAL,
        criterion="average",
        why_not_live="it orders for several places, and a Planner for one",
        best_constant=(-0.229, 0.214, -0.229),
    ),
)
