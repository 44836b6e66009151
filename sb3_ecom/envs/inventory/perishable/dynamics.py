"""Order, sell by age, throw away what spoils.

Source: De Moor, Gijsbrechts and Boute (2022), European Journal of Operational Research 301(2), section 3.
"""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums, side_by_side
from sb3_ecom.envs.inventory.perishable.params import PerishableParams


class State(NamedTuple):
    """When a period opens, after the due order arrived."""

    shelf: Array  # (n, shelf_life) float32 whole units; column j can be sold in j + 1 more periods
    pipeline: Array  # (n, lead_time - 1) units; column 0 arrives next period


class Outcome(NamedTuple):
    """What one period brought."""

    order: Array  # (n,) units placed, after the cut at `position_limit`
    demand: Array  # (n,) units
    lost: Array  # (n,) units of demand that met an empty shelf
    wasted: Array  # (n,) units spoilt at the end of the period
    kept: Array  # (n,) units kept for the next period


def step(params: PerishableParams, state: State, order: Array, demand: Array) -> tuple[State, Outcome]:
    """Order, sell, spoil; `order` and `demand` are (n,) float32 whole units."""
    xp = array_namespace(demand)
    left, stock, total = _left_over(params, state.shelf, demand)
    room = params.position_limit - stock - row_sums(state.pipeline)
    order = xp.minimum(order, positive(room))
    wasted = left[0]
    if params.lead_time == 1:
        arrived, pipeline = order, state.pipeline * 1.0
    else:
        arrived = state.pipeline[:, 0]
        pipeline = xp.concat([state.pipeline[:, 1:], order[:, None]], axis=1)
    return State(side_by_side([*left[1:], arrived]), pipeline), Outcome(
        order, demand, total - stock + demand, wasted, total - wasted
    )


def _left_over(params: PerishableParams, shelf: Array, demand: Array) -> tuple[list[Array], Array, Array]:
    """Return the (n,) units of each age that no customer took, oldest first; all units before; all after."""
    ages = range(params.shelf_life)
    if params.issuing == "lifo":
        ages = ages[::-1]
    offered = shelf[:, ages[0]]
    beyond = positive(offered - demand)
    left = [beyond]
    for age in ages[1:]:  # a few columns: adding them one by one beats a cumulative sum
        offered = offered + shelf[:, age]
        before, beyond = beyond, positive(offered - demand)
        left.append(beyond - before)
    if params.issuing == "lifo":
        left.reverse()
    return left, offered, beyond
