"""Picture of a serial chain: every stage's stock, debts and orders."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.render import draw_bars
from sb3_ecom.envs.inventory.serial.dynamics import Outcome
from sb3_ecom.envs.inventory.serial.params import SerialParams


def render(
    params: SerialParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    chain = state.hidden
    bars = {f"stage {j + 1} on hand": float(units) for j, units in enumerate(chain.on_hand[row])}
    bars |= {f"stage {j + 2} owes": float(units) for j, units in enumerate(chain.owed[row])}
    bars |= {"in transit": float(chain.transit[row].sum()), "unmet (backlog)": float(chain.backlog[row])}
    if outcome is not None:
        bars |= {"demand": float(outcome.demand[row])}
        bars |= {f"stage {j + 1} order": float(units) for j, units in enumerate(outcome.orders[row])}
    return draw_bars("Serial chain", bars, mode)
