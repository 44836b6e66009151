"""Optimal ordering with backlog where `max_order` binds: value iteration over the inventory position.

With a limit on orders no (s, S) policy need be optimal. Backlog makes all costs a function of the position
after ordering, so one dimension is enough.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sb3_ecom.core.effort import check_cells
from sb3_ecom.envs.inventory.demand import backlog_tail
from sb3_ecom.envs.inventory.markov import Rule, Units, Values, relative_value_iteration
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.position_costs import best_reorder_levels, position_costs
from sb3_ecom.envs.inventory.single_item.rewards import ordering

_MAX_CELLS = 60_000_000  # positions x (orders + demands) of one sweep; 8 bytes each


@lru_cache(maxsize=32)
def solve_limited_orders(params: SingleItemParams) -> tuple[float, Rule]:
    """Return the optimal average cost per period and the policy that attains it.

    Raises:
        ValueError: if orders can not keep up with demand, or hardly: then there are too many positions.
    """
    low, cap = _lowest(params), params.order_limit
    positions = np.arange(low, params.position_limit + 1)
    cells = len(positions) * (cap + 1 + len(params.pmf()))
    check_cells("max_order and demand", cells, _MAX_CELLS, "positions x orders")
    bellman = _Bellman(params, positions)
    try:
        optimum = relative_value_iteration(bellman, positions.shape)
    except RuntimeError as error:
        raise ValueError(f"max_order must lie further above the mean demand, got {cap}: {error}") from error
    orders = bellman.choices(optimum.values).argmin(axis=1)

    def rule(units: Units) -> Units:
        place = np.clip(units.sum(axis=1) - low, 0, len(orders) - 1)
        return np.asarray(orders[place])

    return optimum.cost, rule


def _lowest(params: SingleItemParams) -> int:
    """Return a position below which the optimal policy next to never falls."""
    pmf = params.pmf()
    s = best_reorder_levels(params)[0]
    return min(s, 0) - len(pmf) - backlog_tail(pmf, params.order_limit)


class _Bellman:
    """One sweep of value iteration over the position before ordering."""

    def __init__(self, params: SingleItemParams, positions: Units) -> None:
        self._charge = position_costs(params, positions)
        orders = np.arange(params.order_limit + 1)
        self._fixed = ordering(orders, params)
        reached = np.arange(len(positions))[:, None] + orders
        self._beyond = reached >= len(positions)  # orders are cut at the last position: as good as less
        self._reached = np.minimum(reached, len(positions) - 1)
        self._pmf = params.pmf()

    def choices(self, values: Values) -> Values:
        """Return expected cost-to-go by (position, order)."""
        lowest = np.full(len(self._pmf) - 1, values[0])
        after = self._charge + np.convolve(np.concatenate([lowest, values]), self._pmf, mode="valid")
        return np.where(self._beyond, np.inf, self._fixed + after[self._reached])

    def __call__(self, values: Values) -> Values:
        """Return the best cost-to-go by position."""
        return np.asarray(self.choices(values).min(axis=1))
