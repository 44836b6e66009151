"""Picture of a chain with capacities: stocks, sales and money of the last periods, and every stage now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.chain.dynamics import Outcome
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.chain.rewards import reward_terms
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods


def render(
    params: ChainParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""

    def read(state: State, outcome: Outcome) -> Period:
        stock = {f"stage {j + 1}": float(units) for j, units in enumerate(state.hidden.on_hand[row])}
        flows = {"demand": float(outcome.demand[row]), "sales": float(outcome.sold[row, 0])}
        flows["bought from outside"] = float(outcome.bought[row, -2])
        return Period(stock, flows, money_of(reward_terms(outcome, tables.public), row))

    chain = state.hidden
    lanes = np.split(np.asarray(chain.transit[row]), np.cumsum(params.lead_times)[:-1])
    places = [Place("customers", -float(chain.unserved[row, 0]))]
    for j, (units, lane) in enumerate(zip(chain.on_hand[row], lanes, strict=True)):
        places.append(Place(f"stage {j + 1}", float(units), float(lane.sum())))
    title = f"Supply chain, period {int(chain.period[row])} of {params.periods}"
    return draw_stock(title, places, read_periods(past, read, state, outcome), mode)
