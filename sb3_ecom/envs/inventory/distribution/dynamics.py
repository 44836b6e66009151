"""Order, ship from the warehouse, sell at every retailer, receive."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.demand import whole_mean
from sb3_ecom.envs.inventory.distribution.params import DistributionParams


class State(NamedTuple):
    """Inventory at the start of a period, after deliveries; the stock reports show all of it."""

    on_hand: Array  # (n,) units in the warehouse
    inbound: Array  # (n, warehouse_lead_time - 1) units; column 0 reaches the warehouse next
    net: Array  # (n, N) units on hand at each retailer, negative = backlog
    outbound: Array  # (n, N, retailer_lead_time - 1) units; column 0 reaches the retailer next


class Orders(NamedTuple):
    """Units that the warehouse buys and sends out in one period."""

    order: Array  # (n,) float32 whole units
    shipments: Array  # (n, N) units


class Outcome(NamedTuple):
    """Orders, shipments and sales of one period."""

    order: Array  # (n,) units that the warehouse bought
    shipped: Array  # (n, N) units
    demand: Array  # (n, N) units
    kept: Array  # (n,) units that stayed in the warehouse
    left: Array  # (n, N) units left at the retailers
    unmet: Array  # (n, N) units of demand lost, or of backlog at the end


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # (N, values) cumulative demand of each retailer, padded with 2
    whole_mean: Array  # (N,) units nearest to a retailer's mean demand
    inbound: Array  # (warehouse_lead_time - 1,) units under way at the start
    outbound: Array  # (N, retailer_lead_time - 1) units under way at the start


def hidden_tables(params: DistributionParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    means = np.array([whole_mean(mean) for mean in params.means], dtype=np.float32)
    inbound = np.full(params.warehouse_lead_time - 1, means.sum(), dtype=np.float32)
    outbound = np.repeat(means[:, None], params.retailer_lead_time - 1, axis=1)
    return HiddenTables(_cdf_tables(params), means, inbound, outbound)


def start(noise: Array, params: DistributionParams, tables: HiddenTables) -> State:
    """Return 0 to 2 periods' demand at every place, one period's in every lane.

    `noise` is (n, 1 + N) U[0, 1), the warehouse first.
    """
    xp = array_namespace(noise)
    none = xp.zeros_like(noise[:, :1])
    return State(
        on_hand=xp.floor(noise[:, 0] * (2 * xp.sum(tables.whole_mean) + 1)),
        inbound=none + tables.inbound,
        net=xp.floor(noise[:, 1:] * (2 * tables.whole_mean + 1)),
        outbound=none[:, :, None] + tables.outbound,
    )


def draw_demand(uniform: Array, tables: HiddenTables) -> Array:
    """Return (n, N) float32 whole units from (n, N) U[0, 1) draws."""
    xp = array_namespace(uniform)
    return xp.sum(xp.astype(uniform[:, :, None] >= tables.cdf, xp.float32), axis=2)


def system_position(state: State) -> Array:
    """Return all units in the system, under way included, minus backlog, (n,)."""
    xp = array_namespace(state.on_hand)
    return state.on_hand + xp.sum(state.inbound, axis=1) + xp.sum(retailer_positions(state), axis=1)


def retailer_positions(state: State) -> Array:
    """Return the units at and under way to each retailer minus its backlog, (n, N)."""
    return state.net + array_namespace(state.net).sum(state.outbound, axis=2)


def placed_orders(state: State, wanted: Orders, position_limit: float, retailer_limits: Array) -> Orders:
    """Return the orders that keep the system and every retailer, (N,), within limits and can be shipped.

    Where the retailers want more than the warehouse holds, all get the same share of what they want.
    """
    xp = array_namespace(wanted.order)
    order = xp.minimum(wanted.order, positive(position_limit - system_position(state)))
    shipments = xp.minimum(wanted.shipments, positive(retailer_limits - retailer_positions(state)))
    share = xp.clip(state.on_hand / xp.clip(xp.sum(shipments, axis=1), 1.0, None), None, 1.0)
    return Orders(order, xp.floor(shipments * share[:, None]))


def step(
    state: State, orders: Orders, demand: Array, params: DistributionParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Ship, sell, receive; `demand` is (n, N) float32 whole units. No table is needed."""
    xp = array_namespace(demand)
    order, shipped = orders
    kept = state.on_hand - xp.sum(shipped, axis=1)
    after = state.net - demand
    left = positive(after)
    outcome = Outcome(order, shipped, demand, kept, left, left - after)
    inbound = xp.concat([state.inbound, order[:, None]], axis=1)
    outbound = xp.concat([state.outbound, shipped[:, :, None]], axis=2)
    carried = after if params.unmet == "backlog" else left
    return State(
        kept + inbound[:, 0], inbound[:, 1:] * 1.0, carried + outbound[:, :, 0], outbound[:, :, 1:] * 1.0
    ), outcome


def _cdf_tables(params: DistributionParams) -> Array:
    pmfs = params.pmfs()
    table = np.full((len(pmfs), max(map(len, pmfs)) - 1), 2.0, dtype=np.float32)
    for row, pmf in zip(table, pmfs, strict=True):
        row[: len(pmf) - 1] = np.cumsum(pmf)[:-1]
    return table
