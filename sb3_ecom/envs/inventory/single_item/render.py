"""Picture of a single item: stock, orders and money of the last periods, and what is due when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods
from sb3_ecom.envs.inventory.single_item.dynamics import Outcome
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.rewards import reward_terms


def render(
    params: SingleItemParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    unmet = "lost" if params.unmet == "lost" else "backlog"

    def read(state: State, outcome: Outcome) -> Period:
        flows = {"demand": outcome.demand, "order": outcome.order, unmet: outcome.unmet}
        return Period(
            {"on hand": float(state.hidden.on_hand[row])},
            {name: float(units[row]) for name, units in flows.items()},
            money_of(reward_terms(outcome, tables.public), row),
        )

    inventory = state.hidden
    places = [Place("on hand", float(inventory.on_hand[row]))]
    places += [Place(f"due in {i + 1}", 0.0, float(due)) for i, due in enumerate(inventory.pipeline[row])]
    name = "Single item with a setup cost" if params.fixed_cost else "Single item with lost sales"
    title = name if params.unmet == "lost" or params.fixed_cost else "Single item with backlog"
    return draw_stock(title, places, read_periods(past, read, state, outcome), mode)
