"""Order, ship, sell, receive: stages in a line.

Source: Snyder and Shen (2019), "Fundamentals of Supply Chain Theory", section 6.2. Events of a period: orders
are placed; each stage ships what it has of what it owes; demand; units shipped `lead_time - 1` periods ago
arrive; customers are served; costs are charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.demand import cdf_table, whole_mean
from sb3_ecom.envs.inventory.serial.params import SerialParams


class State(NamedTuple):
    """Inventory at the start of a period; the stages' stock reports show all of it."""

    on_hand: Array  # (n, stages) float32 whole units
    backlog: Array  # (n,) units that customers wait for
    owed: Array  # (n, stages - 1) units that stage j + 1 owes to stage j
    transit: Array  # (n, sum(lead_time - 1)) units under way, stage by stage, next to arrive first


class Outcome(NamedTuple):
    """Orders, demand and stock of one period."""

    orders: Array  # (n, stages) units placed
    demand: Array  # (n,) units
    held: Array  # (n, stages) units on hand, and in transit from this stage downstream, at the end
    backlog: Array  # (n,) units


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # cumulative demand, for inversion
    transit: Array  # (sum(lead_time - 1),) units under way at the start
    owed: Array  # (stages - 1,) units owed at the start


def hidden_tables(params: SerialParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    width = sum(params.lead_times) - params.stages
    transit = np.full(width, whole_mean(params.demand_mean), dtype=np.float32)
    return HiddenTables(cdf_table(params.pmf()), transit, np.zeros(params.stages - 1, dtype=np.float32))


def start(noise: Array, params: SerialParams, tables: HiddenTables) -> State:
    """Return 0..2*mean units at every stage, the mean demand in every lane, nothing owed.

    `noise` is (n, stages) U[0, 1).
    """
    xp = array_namespace(noise)
    nothing = xp.zeros_like(noise[:, :1])
    on_hand = xp.floor(noise * (2 * whole_mean(params.demand_mean) + 1))
    return State(on_hand, nothing[:, 0], nothing + tables.owed, nothing + tables.transit)


def echelon_positions(state: State, lead_times: Sequence[int]) -> list[Array]:
    """Return each stage's echelon inventory position, (n,): stock and transit downstream, owed, - backlog."""
    xp = array_namespace(state.backlog)
    positions, total, start = [], -state.backlog, 0
    for j, lead_time in enumerate(lead_times):
        total = total + state.on_hand[:, j] + xp.sum(state.transit[:, start : start + lead_time - 1], axis=1)
        start += lead_time - 1
        positions.append(total + state.owed[:, j] if j + 1 < len(lead_times) else total)
    return positions


def placed_orders(
    state: State, orders: Array, lead_times: Sequence[int], position_limits: Sequence[float]
) -> Array:
    """Return the (n, stages) orders that keep every echelon position within its limit."""
    xp = array_namespace(orders)
    positions = echelon_positions(state, lead_times)
    room = [positive(limit - at) for limit, at in zip(position_limits, positions, strict=True)]
    return xp.minimum(orders, xp.stack(room, axis=1))


def step(
    state: State, orders: Array, demand: Array, params: SerialParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Advance one period; `orders` is (n, stages), `demand` (n,) float32 whole units. No table is needed."""
    xp = array_namespace(demand)
    shipped, owed = _ship(xp, state, orders)
    transit, arrived, start = [], [], 0
    for j, lead_time in enumerate(params.lead_times):
        lane = xp.concat([state.transit[:, start : start + lead_time - 1], shipped[:, j : j + 1]], axis=1)
        arrived.append(lane[:, 0])
        transit.append(lane[:, 1:])
        start += lead_time - 1
    net = state.on_hand[:, 0] + arrived[0] - demand - state.backlog
    on_hand = [positive(net)]
    backlog = on_hand[0] - net
    on_hand += [state.on_hand[:, j] + arrived[j] - shipped[:, j - 1] for j in range(1, params.stages)]
    # What travels from j to j - 1 is held at the cost of j; what the outside supplier sends costs nothing.
    held = [on_hand[0]]
    held += [on_hand[j] + xp.sum(transit[j - 1], axis=1) for j in range(1, params.stages)]
    after = State(xp.stack(on_hand, axis=1), backlog, owed, xp.concat(transit, axis=1))
    return after, Outcome(orders, demand, xp.stack(held, axis=1), backlog * 1.0)


def _ship(xp: Any, state: State, orders: Array) -> tuple[Array, Array]:
    """Return what is sent to each stage, (n, stages), and what each upper stage still owes."""
    wanted = orders[:, :-1] + state.owed
    sent = xp.minimum(wanted, state.on_hand[:, 1:])
    return xp.concat([sent, orders[:, -1:]], axis=1), wanted - sent
