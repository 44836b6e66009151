"""Order from both suppliers, then sell.

Source: Gijsbrechts, Boute, Van Mieghem and Zhang (2022), Manufacturing & Service Operations Management 24(3),
section 4.2 (dual sourcing with an express lead time of 0).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums
from sb3_ecom.envs.inventory.demand import cdf_table, whole_mean
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams


class State(NamedTuple):
    """Inventory at the start of a period, after deliveries; the stock report shows all of it."""

    on_hand: Array  # (n,) float32 whole units; negative = backlog
    pipeline: Array  # (n, regular_lead_time - 1) units on order; column 0 arrives next period


class Orders(NamedTuple):
    """Units ordered in one period."""

    regular: Array  # (n,) float32 whole units from the slow supplier
    express: Array  # (n,) units from the fast supplier


class Outcome(NamedTuple):
    """Orders and sales of one period."""

    regular: Array  # (n,) units ordered from the slow supplier
    express: Array  # (n,) units ordered from the fast supplier
    demand: Array  # (n,) units
    left: Array  # (n,) units of stock at the end of the period
    waiting: Array  # (n,) units of backlog at the end of the period


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (regular_lead_time - 1,) units on order at the start


def hidden_tables(params: DualSourcingParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    start = np.full(params.regular_lead_time - 1, whole_mean(params.demand_mean), dtype=np.float32)
    return HiddenTables(cdf_table(params.pmf()), start)


def start(noise: Array, params: DualSourcingParams, tables: HiddenTables) -> State:
    """Return 0..2*mean units on hand and the mean demand in every period of the pipeline.

    `noise` is (n,) U[0, 1).
    """
    xp = array_namespace(noise)
    on_hand = xp.floor(noise * (2 * whole_mean(params.demand_mean) + 1))
    return State(on_hand, xp.zeros_like(noise)[:, None] + tables.pipeline)


def inventory_position(state: State) -> Array:
    """Return units on hand and on order, minus backlog, (n,)."""
    return state.on_hand + row_sums(state.pipeline)


def placed_orders(state: State, wanted: Orders, position_limit: Array | float) -> Orders:
    """Return the orders that keep the position within the limit; regular units are cut first."""
    xp = array_namespace(wanted.express)
    room = position_limit - inventory_position(state)
    express = xp.minimum(wanted.express, positive(room))
    return Orders(xp.minimum(wanted.regular, positive(room - express)), express)


def step(
    state: State, orders: Orders, demand: Array, params: DualSourcingParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Receive the express units, sell, receive; `demand` is (n,) float32 whole units. No table is needed."""
    net = state.on_hand + orders.express - demand
    left = positive(net)
    outcome = Outcome(orders.regular, orders.express, demand, left, left - net)
    if params.regular_lead_time == 1:
        return State(net + orders.regular, state.pipeline * 1.0), outcome
    pipeline = array_namespace(demand).concat([state.pipeline[:, 1:], orders.regular[:, None]], axis=1)
    return State(net + state.pipeline[:, 0], pipeline), outcome
