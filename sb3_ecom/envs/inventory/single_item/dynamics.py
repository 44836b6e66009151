"""Order, then sell: one item, one supplier.

Source: Zipkin (2008), Operations Research 56(5), section 2, for lost sales; the backlog variant keeps the
unmet demand as negative stock.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums
from sb3_ecom.envs.inventory.demand import cdf_table, whole_mean
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams


class State(NamedTuple):
    """Inventory at the start of a period, after deliveries; the stock report shows all of it."""

    on_hand: Array  # (n,) float32 whole units; negative = backlog
    pipeline: Array  # (n, max(lead_time - 1, 0)) units on order; column 0 arrives next period


class Outcome(NamedTuple):
    """Orders and sales of one period."""

    order: Array  # (n,) units placed
    demand: Array  # (n,) units
    sales: Array  # (n,) units handed over, backlog included
    left: Array  # (n,) units of stock at the end of the period
    unmet: Array  # (n,) units lost, or waiting at the end of the period


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (max(lead_time - 1, 0),) units on order at the start


def hidden_tables(params: SingleItemParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    width = max(params.lead_time - 1, 0)
    start = np.full(width, whole_mean(params.demand_mean), dtype=np.float32)
    return HiddenTables(cdf_table(params.pmf()), start)


def start(noise: Array, params: SingleItemParams, tables: HiddenTables) -> State:
    """Return 0..2*mean units on hand and the mean demand in every period of the pipeline.

    `noise` is (n,) U[0, 1).
    """
    xp = array_namespace(noise)
    on_hand = xp.floor(noise * (2 * whole_mean(params.demand_mean) + 1))
    return State(on_hand, xp.zeros_like(noise)[:, None] + tables.pipeline)


def inventory_position(state: State) -> Array:
    """Return units on hand and on order, minus backlog, (n,)."""
    return state.on_hand + row_sums(state.pipeline) if state.pipeline.shape[1] else state.on_hand


def placed_order(state: State, order: Array, position_limit: Array | float) -> Array:
    """Return what is placed of (n,) units wanted: no order lifts the position beyond the limit."""
    return array_namespace(order).minimum(order, positive(position_limit - inventory_position(state)))


def at_hand(on_hand: Array, order: Array, params: SingleItemParams) -> Array:
    """Return the units that can serve the period's demand, (n,): an order without lead time is there."""
    return on_hand + order if params.lead_time == 0 else on_hand


def step(
    state: State, order: Array, demand: Array, params: SingleItemParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Sell, then receive; `order` and `demand` are (n,) float32 whole units. No table is needed."""
    stock = at_hand(state.on_hand, order, params)
    net = stock - demand
    left = positive(net)
    unmet = left - net
    carried = left if params.unmet == "lost" else net
    if params.lead_time > 1:
        xp = array_namespace(demand)
        on_hand = carried + state.pipeline[:, 0]
        pipeline = xp.concat([state.pipeline[:, 1:], order[:, None]], axis=1)
    else:  # no pipeline: a copy of no columns
        on_hand = carried + order if params.lead_time == 1 else carried * 1.0
        pipeline = state.pipeline * 1.0
    return State(on_hand, pipeline), Outcome(order, demand, positive(stock) - left, left, unmet)
