"""Picture of an item with two suppliers: stock, orders and money of the last periods, and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Outcome
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.dual_sourcing.rewards import reward_terms
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods


def render(
    params: DualSourcingParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""

    def read(state: State, outcome: Outcome) -> Period:
        flows = {"demand": outcome.demand, "regular order": outcome.regular, "express order": outcome.express}
        return Period(
            {"net stock": float(state.hidden.on_hand[row])},
            {name: float(units[row]) for name, units in flows.items()},
            money_of(reward_terms(outcome, tables.public), row),
        )

    inventory = state.hidden
    places = [Place("net stock", float(inventory.on_hand[row]))]
    places += [Place(f"due in {i + 1}", 0.0, float(due)) for i, due in enumerate(inventory.pipeline[row])]
    return draw_stock("Two suppliers", places, read_periods(past, read, state, outcome), mode)
