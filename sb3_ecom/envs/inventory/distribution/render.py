"""Picture of a warehouse and its retailers: stocks and money of the last periods, and every place now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.distribution.dynamics import Outcome
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.distribution.rewards import reward_terms
from sb3_ecom.envs.inventory.render import Frame, Period, Place, draw_stock, money_of, read_periods


def render(
    params: DistributionParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
    past: Sequence[Frame] = (),
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""

    def read(state: State, outcome: Outcome) -> Period:
        flows = {"demand": outcome.demand, "shipped": outcome.shipped, "unmet": outcome.unmet}
        return Period(
            {
                "warehouse": float(state.hidden.on_hand[row]),
                "all shops, net": float(np.asarray(state.hidden.net[row]).sum()),
            },
            {"order": float(outcome.order[row])}
            | {name: float(np.asarray(units[row]).sum()) for name, units in flows.items()},
            money_of(reward_terms(outcome, params), row),
        )

    system = state.hidden
    means = np.array(params.means)
    under_way = np.asarray(system.outbound[row]).sum(axis=1)
    whole = float(means.sum())
    inbound = float(np.asarray(system.inbound[row]).sum())
    places = [Place("warehouse", float(system.on_hand[row]) / whole, inbound / whole)]
    for i, net in enumerate(np.asarray(system.net[row])):
        places.append(Place(f"shop {i + 1}", float(net / means[i]), float(under_way[i] / means[i])))
    periods = read_periods(past, read, state, outcome)
    title = f"Warehouse and {len(means)} shops"
    return draw_stock(title, places, periods, mode, unit="periods of mean demand")
