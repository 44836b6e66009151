"""Optimal ordering of one item: value iteration for lost sales, exact (s, S) for backlog."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.effort import check_cells
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.inventory.demand import expected_left_and_unmet, fractile, leftover_law
from sb3_ecom.envs.inventory.markov import Rule, Values, relative_value_iteration
from sb3_ecom.envs.inventory.single_item.env import SingleItemTask
from sb3_ecom.envs.inventory.single_item.limited_orders import solve_limited_orders
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.position_costs import best_reorder_levels
from sb3_ecom.envs.inventory.single_item.rewards import holding_and_penalty, ordering

_MAX_CELLS = 60_000_000  # states x orders of one sweep; 8 bytes each


@dataclass(frozen=True, kw_only=True)
class Solution:
    """An optimal policy and its average cost."""

    cost: float  # cost/period
    orders: NDArray[np.int16]  # best order, indexed by (stock, pipeline...) within the caps


def oracle(task: SingleItemTask) -> Oracle:
    """Return the optimal average reward of one period, with the policy that attains it."""
    params = task.weighted_params()
    cost, order = _backlog(params) if params.unmet == "backlog" else _lost_sales(params)

    def make(loop: Any) -> Policy:
        limit = loop.task.params.order_limit
        return lambda observation: np.clip(order(loop.task.units(observation)), 0, limit).astype(np.int64)

    return Oracle(
        kind="optimal", value=-cost, stderr=0.0, information="the demand law; stock and pipeline", policy=make
    )


def _lost_sales(params: SingleItemParams) -> tuple[float, Rule]:
    solution = solve_lost_sales(params)
    caps = np.array(solution.orders.shape) - 1
    return solution.cost, lambda units: np.asarray(solution.orders[tuple(np.clip(units, 0, caps).T)])


def _backlog(params: SingleItemParams) -> tuple[float, Rule]:
    s, top, cost = best_reorder_levels(params)
    largest = top - s - 1 + len(params.pmf()) - 1  # order of (s, S): from just above s, after the most sold
    if largest > params.order_limit:
        return solve_limited_orders(params)

    def rule(units: NDArray[np.int64]) -> NDArray[Any]:
        position = units.sum(axis=1)
        return np.where(position <= s, top - position, 0)

    return cost, rule


@lru_cache(maxsize=32)
def solve_lost_sales(params: SingleItemParams) -> Solution:
    """Return the optimal policy of a lost-sales item.

    Without a fixed cost, orders are capped at the newsvendor fractile of one period's demand and stock at
    that of `lead_time` + 1 periods: no optimal policy goes beyond (Zipkin 2008, theorem 5). Where `max_order`
    is less, stock may have to be laid in beforehand, and is capped as the task caps it.

    Raises:
        ValueError: if the state space is too large to sweep.
    """
    stock_cap, order_cap = _caps(params)
    pipeline = [order_cap + 1] * (params.lead_time - 1)
    shape = (stock_cap + 1, *pipeline)
    cells = int(np.prod(shape, dtype=np.int64)) * (order_cap + 1)
    check_cells("lead_time", cells, _MAX_CELLS, "state-order pairs")
    bellman = _Bellman(params, stock_cap, order_cap)
    optimum = relative_value_iteration(bellman, shape)
    return Solution(
        cost=optimum.cost, orders=bellman.choices(optimum.values).argmin(axis=-1).astype(np.int16)
    )


def _caps(params: SingleItemParams) -> tuple[int, int]:
    if params.fixed_cost > 0:
        return params.position_limit, params.order_limit
    level = params.service_level
    periods = params.lead_time + 1
    order_cap = fractile(params.pmf(), level) if params.lead_time else fractile(params.pmf(periods), level)
    if params.order_limit < order_cap:
        return params.position_limit, params.order_limit
    return fractile(params.pmf(periods), level), order_cap


class _Bellman:
    """One sweep of value iteration over (stock, pipeline)."""

    def __init__(self, params: SingleItemParams, stock_cap: int, order_cap: int) -> None:
        stock, order = np.arange(stock_cap + 1), np.arange(order_cap + 1)
        pmf = params.pmf()
        ends = expected_left_and_unmet(pmf, params.demand_mean, stock)
        self._period = np.add(*holding_and_penalty(*ends, params))
        self._fixed = ordering(order, params)
        self._leave = leftover_law(pmf, stock_cap)
        # Row: stock left over; column: what arrives next.
        self._arrive = np.minimum(stock[:, None] + order[None, :], stock_cap)
        self._immediate = params.lead_time == 0

    def choices(self, values: Values) -> Values:
        """Return expected cost-to-go by (stock, pipeline..., order)."""
        if self._immediate:
            after = self._period + self._leave @ values
            return np.asarray(self._fixed + after[self._arrive])
        following = values[self._arrive]
        flat = self._leave @ following.reshape(len(following), -1)
        period = self._period.reshape(-1, *[1] * (following.ndim - 1))
        return np.asarray(flat.reshape(following.shape) + self._fixed + period)

    def __call__(self, values: Values) -> Values:
        """Return the best cost-to-go by (stock, pipeline...)."""
        return np.asarray(self.choices(values).min(axis=-1))
