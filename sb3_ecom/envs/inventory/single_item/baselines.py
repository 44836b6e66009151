"""Textbook policies of one item: base stock and its kin, constant order, (s, S), and what looks ahead.

Each is tuned by exact search: the average cost of a candidate is that of the Markov chain it induces, on
the environment's own dynamics. They know the demand law and see the whole state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.demand import fractile
from sb3_ecom.envs.inventory.markov import Rule, Units, local_search
from sb3_ecom.envs.inventory.single_item.env import SingleItemTask
from sb3_ecom.envs.inventory.single_item.lookahead import (
    dual_balancing_rule,
    myopic2_rule,
    myopic_rule,
    vector_base_stock_rule,
)
from sb3_ecom.envs.inventory.single_item.markov_chain import rule_cost
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.position_costs import best_reorder_levels


def _order_up_to(s: int, top: int, cap: int | None = None) -> Rule:
    """Return "at position s or below, order up to `top`, at most `cap` units"."""

    def rule(units: Units) -> NDArray[Any]:
        position = units.sum(axis=1)
        order = np.where(position <= s, top - position, 0)
        return order if cap is None else np.minimum(order, cap)

    return rule


def base_stock(level: int, cap: int | None = None) -> Rule:
    """Return "raise the position to `level`, order at most `cap` units"."""
    return _order_up_to(level - 1, level, cap)


@lru_cache(maxsize=64)
def best_base_stock(params: SingleItemParams) -> tuple[int, float]:
    """Return the level S of the best base-stock policy and its average cost."""

    def cost(point: tuple[int, ...]) -> float:
        return rule_cost(params, base_stock(point[0]))

    (level,), value = local_search(cost, (_newsvendor_level(params),), (1,))
    return level, value


@lru_cache(maxsize=64)
def best_capped_base_stock(params: SingleItemParams) -> tuple[int, int, float]:
    """Return level, cap and average cost of the best capped base-stock policy."""

    def cost(point: tuple[int, ...]) -> float:
        return rule_cost(params, base_stock(point[0], point[1]))

    start = (best_base_stock(params)[0], int(np.ceil(params.demand_mean)))
    (level, cap), value = local_search(cost, start, (1, 1))
    return level, cap, value


@lru_cache(maxsize=64)
def best_constant_order(params: SingleItemParams) -> tuple[int, float]:
    """Return the best whole constant order and its average cost."""

    def cost(point: tuple[int, ...]) -> float:
        return rule_cost(params, lambda units: np.full(len(units), point[0]))

    start = max(int(np.ceil(params.demand_mean)) - 1, 0)
    (order,), value = local_search(cost, (start,), (0,))
    return order, value


@lru_cache(maxsize=64)
def best_s_top(params: SingleItemParams) -> tuple[int, int, float]:
    """Return s, S and the average cost of the best (s, S) policy; with backlog it is optimal."""
    if params.unmet == "backlog":
        return best_reorder_levels(params)

    def cost(point: tuple[int, ...]) -> float:
        return rule_cost(params, _order_up_to(point[0], point[0] + point[1]))

    start = (_newsvendor_level(params) - 1 - params.batch // 2, max(params.batch, 1))
    (s, gap), value = local_search(cost, start, (0, 1))
    return s, s + gap, value


def _newsvendor_level(params: SingleItemParams) -> int:
    return max(fractile(params.pmf(params.lead_time + 1), params.service_level), 1)


def _policy(task: SingleItemTask, rule: Rule) -> Policy:
    limit = task.params.order_limit
    return lambda observation: np.clip(rule(task.units(observation)), 0, limit).astype(np.int64)


def _base_stock(task: SingleItemTask) -> Policy:
    level, _ = best_base_stock(task.tuning_params())
    return _policy(task, base_stock(level))


def _capped_base_stock(task: SingleItemTask) -> Policy:
    level, cap, _ = best_capped_base_stock(task.tuning_params())
    return _policy(task, base_stock(level, cap))


def _constant_order(task: SingleItemTask) -> Policy:
    order, _ = best_constant_order(task.tuning_params())
    return _policy(task, lambda units: np.full(len(units), order))


def _looks_ahead(make: Callable[[SingleItemParams], Rule]) -> Callable[[SingleItemTask], Policy]:
    return lambda task: _policy(task, make(task.tuning_params()))


def _s_top(task: SingleItemTask) -> Policy:
    s, top, _ = best_s_top(task.tuning_params())
    return _policy(task, _order_up_to(s, top))


LOST_SALES: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {
        "base_stock": _base_stock,
        "capped_base_stock": _capped_base_stock,
        "myopic": _looks_ahead(myopic_rule),
        "myopic2": _looks_ahead(myopic2_rule),
        "dual_balancing": _looks_ahead(dual_balancing_rule),
        "vector_base_stock": _looks_ahead(vector_base_stock_rule),
        "constant_order": _constant_order,
    }
)
SETUP_COST: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {"base_stock": _base_stock, "s_S": _s_top}
)
