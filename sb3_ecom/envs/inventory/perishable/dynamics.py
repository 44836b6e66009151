"""Order, sell by age, throw away what spoils.

Source: De Moor, Gijsbrechts and Boute (2022), European Journal of Operational Research 301(2), section 3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums, side_by_side
from sb3_ecom.envs.inventory.demand import cdf_table, whole_mean
from sb3_ecom.envs.inventory.perishable.params import PerishableParams


class State(NamedTuple):
    """Inventory at the start of a period, after deliveries; the stock report shows all of it."""

    on_hand: Array  # (n, shelf_life) float32 whole units; column j can be sold in j + 1 more periods
    pipeline: Array  # (n, lead_time - 1) units on order; column 0 arrives next period


class Outcome(NamedTuple):
    """Orders, sales and waste of one period."""

    order: Array  # (n,) units placed
    demand: Array  # (n,) units
    lost: Array  # (n,) units of demand that met an empty shelf
    wasted: Array  # (n,) units spoilt at the end of the period
    kept: Array  # (n,) units kept for the next period


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (lead_time - 1,) units on order at the start
    fresh: Array  # (shelf_life,) 1 at the age of a fresh unit


def hidden_tables(params: PerishableParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    start = np.full(params.lead_time - 1, whole_mean(params.demand_mean), dtype=np.float32)
    return HiddenTables(cdf_table(params.pmf()), start, np.eye(params.shelf_life, dtype=np.float32)[-1])


def start(noise: Array, params: PerishableParams, tables: HiddenTables) -> State:
    """Return 0..2*mean fresh units on hand and the mean demand in every period of the pipeline.

    `noise` is (n,) U[0, 1).
    """
    xp = array_namespace(noise)
    on_hand = xp.floor(noise * (2 * whole_mean(params.demand_mean) + 1))[:, None]
    return State(on_hand * tables.fresh, xp.zeros_like(on_hand) + tables.pipeline)


def placed_order(state: State, order: Array, position_limit: Array | float) -> Array:
    """Return what is placed of (n,) units wanted: no order lifts stock and pipeline beyond the limit."""
    room = position_limit - row_sums(state.on_hand) - row_sums(state.pipeline)
    return array_namespace(order).minimum(order, positive(room))


def step(
    state: State, order: Array, demand: Array, params: PerishableParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Sell, spoil, receive; `order` and `demand` are (n,) float32 whole units. No table is needed."""
    left, before, after = _left_over(state.on_hand, demand, params)
    wasted = left[0]
    if params.lead_time == 1:
        arrived, pipeline = order, state.pipeline * 1.0
    else:
        arrived = state.pipeline[:, 0]
        pipeline = array_namespace(demand).concat([state.pipeline[:, 1:], order[:, None]], axis=1)
    lost = after - before + demand
    outcome = Outcome(order, demand, lost, wasted, after - wasted)
    return State(side_by_side([*left[1:], arrived]), pipeline), outcome


def _left_over(on_hand: Array, demand: Array, params: PerishableParams) -> tuple[list[Array], Array, Array]:
    """Return the (n,) units of each age that no customer took, oldest first; all units before; all after."""
    ages = range(params.shelf_life)
    if params.issuing == "lifo":
        ages = ages[::-1]
    offered = on_hand[:, ages[0]]
    beyond = positive(offered - demand)
    left = [beyond]
    for age in ages[1:]:  # a few columns: adding them one by one beats a cumulative sum
        offered = offered + on_hand[:, age]
        before, beyond = beyond, positive(offered - demand)
        left.append(beyond - before)
    if params.issuing == "lifo":
        left.reverse()
    return left, offered, beyond
