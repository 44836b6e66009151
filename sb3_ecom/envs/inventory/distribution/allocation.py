"""Sharing out a warehouse's stock: costs of a retailer's position, and shares that fill levels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.envs.inventory.demand import demand_pmf, expected_left_and_unmet
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.distribution.rewards import retailer_costs, warehouse_cost
from sb3_ecom.envs.inventory.markov import Units, Values


@lru_cache(maxsize=16)
def position_costs(params: DistributionParams) -> tuple[Values, ...]:
    """Return each retailer's expected cost of the period that a shipment now serves, at positions 0, 1, ...

    A position counts the shelf and all that is under way, backlog deducted. The tables end where cost rises
    by less than a millionth below the holding cost per unit.
    """
    found = []
    for mean in params.means:
        pmf = demand_pmf(params.demand, mean, params.retailer_lead_time + 1)
        levels = np.arange(len(pmf) + 1)
        ends = expected_left_and_unmet(pmf, mean * (params.retailer_lead_time + 1), levels)
        holding, penalty = retailer_costs(*ends, params)
        found.append(holding + penalty)
    return tuple(found)


@lru_cache(maxsize=16)
def marginal_levels(params: DistributionParams) -> Units:
    """Return (steps, N) positions: the most that cost-minded sharing gives at each price of a unit.

    Step by step the price rises; each step raises at least one retailer by a unit, the one whose cost falls
    most. The last step holds the positions at which leaving a unit in the warehouse is cheaper.
    """
    changes = [np.diff(costs) - params.warehouse_holding for costs in position_costs(params)]
    prices = np.unique(np.concatenate([change[change < 0] for change in changes]))
    return np.stack([np.searchsorted(change, prices, side="right") for change in changes], axis=1)


def equal_shortage_levels(levels: Units) -> Units:
    """Return (steps, N) positions that are all the same number of units short of their `levels`, to none."""
    return np.asarray(levels)[None, :] + np.arange(-int(levels.max()), 1)[:, None]


def fill(table: Units, position: Values, stock: Values) -> Values:
    """Return (n, N) whole units that raise positions along the rows of `table` until the stock is used up.

    Args:
        table: (steps, N) positions, each column non-decreasing.
        position: (n, N) units.
        stock: (n,) units to share out.
    """
    last = len(table) - 1
    low, high = np.full(len(stock), -1), np.full(len(stock), last)
    while (low < high).any():  # the last step whose needs the stock covers; -1: none
        middle = (low + high + 1) // 2
        needs = np.maximum(table[middle] - position, 0).sum(axis=1)
        covered = needs <= stock
        low, high = np.where(covered, middle, low), np.where(covered, high, middle - 1)
    given = np.where(low[:, None] >= 0, np.maximum(table[low] - position, 0), 0)
    extra = np.maximum(table[np.minimum(low + 1, last)] - position, 0) - given
    rest = (stock - given.sum(axis=1))[:, None]
    before = np.cumsum(extra, axis=1) - extra
    given = given + np.clip(rest - before, 0, extra)
    return np.asarray(given)


def relaxed_cost(params: DistributionParams) -> tuple[int, float]:
    """Return the best constant system position and its cost per period if retailers could give stock back.

    The cost of a period is charged when its units are shipped: the warehouse's stock now, each retailer's
    shelf when the shipment serves. With stock given back, only the sum of the positions is bounded, and the
    best constant level of the whole system minimises each period on its own. Every policy that cannot take
    stock back costs at least as much. For backlog.

    Source: after Federgruen and Zipkin (1984), Management Science 30(1), here for retailers who differ.
    """
    costs = position_costs(params)
    changes = [np.diff(cost) - params.warehouse_holding for cost in costs]
    falls = np.sort(np.concatenate([change[change < 0] for change in changes]))
    at_zero = float(sum(cost[0] for cost in costs))
    shared = at_zero + np.concatenate(
        [[0.0], np.cumsum(falls)]
    )  # least cost of 0, 1, ... units, less holding
    full = len(shared) - 1
    ahead = params.total_pmf(params.warehouse_lead_time)
    levels = np.arange(full + len(ahead))
    arrived = levels[:, None] - np.arange(len(ahead))[None, :]  # units there when the order arrives
    held = shared[np.clip(arrived, 0, full)] + warehouse_cost(np.maximum(arrived, 0), params)
    owed: NDArray[Any] = params.penalty * np.maximum(-arrived, 0)
    found = (held + owed) @ ahead
    best = int(found.argmin())
    return best, float(found[best])
