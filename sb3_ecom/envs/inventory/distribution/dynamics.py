"""Order, ship from the warehouse, sell at every retailer, receive."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.distribution.params import DistributionParams


class State(NamedTuple):
    """When a period opens, after due deliveries arrived."""

    stock: Array  # (n,) units in the warehouse
    inbound: Array  # (n, warehouse_lead_time - 1) units; column 0 reaches the warehouse next
    net: Array  # (n, N) units on a retailer's shelf, negative = backlog
    outbound: Array  # (n, N, retailer_lead_time - 1) units; column 0 reaches the retailer next


class Outcome(NamedTuple):
    """What one period brought."""

    order: Array  # (n,) units that the warehouse bought
    shipped: Array  # (n, N) units
    demand: Array  # (n, N) units
    kept: Array  # (n,) units that stayed in the warehouse
    left: Array  # (n, N) units left on the shelves
    unmet: Array  # (n, N) units of demand lost, or of backlog at the end


def step(
    params: DistributionParams, limits: Array, state: State, order: Array, wanted: Array, demand: Array
) -> tuple[State, Outcome]:
    """Advance one period; `order` is (n,), `wanted` and `demand` are (n, N) float32 whole units.

    Where the retailers want more than the warehouse holds, all get the same share of what they want. `limits`
    is (N,) units, `params.shop_limits`: what is at and under way to a retailer stays below.
    """
    xp = array_namespace(demand)
    order = xp.minimum(order, positive(params.position_limit - system_position(xp, state)))
    wanted = xp.minimum(wanted, positive(limits - shop_positions(xp, state)))
    share = xp.clip(state.stock / xp.clip(xp.sum(wanted, axis=1), 1.0, None), None, 1.0)
    shipped = xp.floor(wanted * share[:, None])
    kept = state.stock - xp.sum(shipped, axis=1)
    after = state.net - demand
    left = positive(after)
    outcome = Outcome(order, shipped, demand, kept, left, left - after)
    inbound = xp.concat([state.inbound, order[:, None]], axis=1)
    outbound = xp.concat([state.outbound, shipped[:, :, None]], axis=2)
    on_shelf = after if params.unmet == "backlog" else left
    return State(
        kept + inbound[:, 0], inbound[:, 1:] * 1.0, on_shelf + outbound[:, :, 0], outbound[:, :, 1:] * 1.0
    ), outcome


def system_position(xp: Any, state: State) -> Array:
    """Return all units in the system, under way included, minus backlog, (n,)."""
    return state.stock + xp.sum(state.inbound, axis=1) + xp.sum(shop_positions(xp, state), axis=1)


def shop_positions(xp: Any, state: State) -> Array:
    """Return the units at and under way to each retailer minus its backlog, (n, N)."""
    return state.net + xp.sum(state.outbound, axis=2)
