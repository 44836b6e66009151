"""Order, then sell: one item, one supplier.

Source: Zipkin (2008), Operations Research 56(5), section 2, for lost sales; the backlog variant keeps the
unmet demand as negative stock.
"""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams


class State(NamedTuple):
    """When a period opens, after the due order arrived."""

    stock: Array  # (n,) float32 whole units on hand; negative = backlog
    pipeline: Array  # (n, max(lead_time - 1, 0)) units; column 0 arrives next period


class Outcome(NamedTuple):
    """What one period brought."""

    order: Array  # (n,) units placed, after the cut at `position_limit`
    demand: Array  # (n,) units
    sales: Array  # (n,) units handed over, backlog included
    left: Array  # (n,) units of stock at the end of the period
    unmet: Array  # (n,) units lost, or waiting at the end of the period


def step(params: SingleItemParams, state: State, order: Array, demand: Array) -> tuple[State, Outcome]:
    """Order, then sell; `order` and `demand` are (n,) float32 whole units."""
    xp = array_namespace(demand)
    room = params.position_limit - state.stock
    if params.lead_time > 1:
        room = room - row_sums(state.pipeline)
    order = xp.minimum(order, positive(room))
    at_hand = state.stock + order if params.lead_time == 0 else state.stock
    net = at_hand - demand
    left = positive(net)
    unmet = left - net
    carried = left if params.unmet == "lost" else net
    if params.lead_time > 1:
        stock = carried + state.pipeline[:, 0]
        pipeline = xp.concat([state.pipeline[:, 1:], order[:, None]], axis=1)
    else:  # no pipeline: a copy of no columns
        stock = carried + order if params.lead_time == 1 else carried * 1.0
        pipeline = state.pipeline * 1.0
    sales = positive(at_hand) - left
    return State(stock, pipeline), Outcome(order, demand, sales, left, unmet)
