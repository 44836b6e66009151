"""Picture of an item that spoils: stock, waste and money of the last periods, and stock by age now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.perishable.rewards import reward_terms
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods


def render(
    params: PerishableParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""

    def read(state: State, outcome: Outcome) -> Period:
        flows = {"demand": outcome.demand, "order": outcome.order}
        flows |= {"lost": outcome.lost, "wasted": outcome.wasted}
        return Period(
            {"on hand": float(state.hidden.on_hand[row].sum())},
            {name: float(units[row]) for name, units in flows.items()},
            money_of(reward_terms(outcome, tables.public), row),
        )

    inventory = state.hidden
    places = [Place(f"sells {j + 1} more", float(units)) for j, units in enumerate(inventory.on_hand[row])]
    places += [Place(f"due in {i + 1}", 0.0, float(due)) for i, due in enumerate(inventory.pipeline[row])]
    return draw_stock("Item that spoils", places, read_periods(past, read, state, outcome), mode)
