"""Picture of a single item: on hand, on order, and the last period."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.render import draw_bars, outcome_bars
from sb3_ecom.envs.inventory.single_item.dynamics import Outcome
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams


def render(
    params: SingleItemParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    inventory = state.hidden
    bars = {"on hand": float(inventory.on_hand[row])}
    bars |= {f"due in {i + 1}": float(units) for i, units in enumerate(inventory.pipeline[row])}
    bars |= outcome_bars(outcome, row, ("demand", "sales", "unmet", "order"))
    return draw_bars("SetupCost" if params.fixed_cost else "LostSales", bars, mode)
