"""Picture of an item that spoils: stock by age, on order, and the last period."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.render import draw_bars, outcome_bars


def render(
    params: PerishableParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    inventory = state.hidden
    bars = {f"life {j + 1}": float(units) for j, units in enumerate(inventory.on_hand[row])}
    bars |= {f"due in {i + 1}": float(units) for i, units in enumerate(inventory.pipeline[row])}
    bars |= outcome_bars(outcome, row, ("demand", "lost", "wasted", "order"))
    return draw_bars("Perishable", bars, mode)
