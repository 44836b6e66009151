"""Picture of a serial chain: stocks, orders and money of the last periods, and every stage now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods
from sb3_ecom.envs.inventory.serial.dynamics import Outcome
from sb3_ecom.envs.inventory.serial.params import SerialParams
from sb3_ecom.envs.inventory.serial.rewards import reward_terms


def render(
    params: SerialParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""

    def read(state: State, outcome: Outcome) -> Period:
        chain = state.hidden
        stock = {f"stage {j + 1}": float(units) for j, units in enumerate(chain.on_hand[row])}
        orders = {f"orders {j + 1}": float(units) for j, units in enumerate(outcome.orders[row])}
        return Period(
            {**stock, "backlog": float(chain.backlog[row])},
            {"demand": float(outcome.demand[row]), **orders},
            money_of(reward_terms(outcome, tables.public), row),
        )

    chain = state.hidden
    lanes = np.split(np.asarray(chain.transit[row]), np.cumsum(np.array(params.lead_times) - 1)[:-1])
    places = [Place("customers", -float(chain.backlog[row]))]
    for j, (units, lane) in enumerate(zip(chain.on_hand[row], lanes, strict=True)):
        places.append(Place(f"stage {j + 1}", float(units), float(lane.sum())))
    places += [Place(f"{j + 2} owes {j + 1}", -float(units)) for j, units in enumerate(chain.owed[row])]
    return draw_stock("Serial chain", places, read_periods(past, read, state, outcome), mode)
