"""Echelon base stock for the warehouse, base stock for the retailers, and three ways to share out.

Each rule has two numbers, the system's level and the retailers' level, found by local search on common
random numbers. They know the demand laws and see the whole state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.demand import fractile
from sb3_ecom.envs.inventory.distribution.allocation import (
    equal_shortage_levels,
    fill,
    marginal_levels,
    relaxed_cost,
)
from sb3_ecom.envs.inventory.distribution.dynamics import Orders, State, retailer_positions, system_position
from sb3_ecom.envs.inventory.distribution.env import DistributionTask
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.markov import Units, local_search
from sb3_ecom.envs.inventory.residual import ShiftedRule

_COPIES, _PERIODS, _WARMUP, _SEED = 256, 100, 30, 1_984  # what every candidate of a search meets
_GRAIN = 0.1  # standard deviations of safety stock per step of a search

Shares = Callable[[Array, Array], Array]  # retailers' positions (n, N), stock (n,) -> shipments wanted (n, N)
Rule = Callable[[DistributionParams, int], Shares]  # of the retailers' level, in steps of `_GRAIN`


def _retailer_levels(params: DistributionParams, safety: int) -> Units:
    """Return every retailer's base stock, (N,) units: the same service at all of them.

    `safety` counts steps of `_GRAIN` normal standard deviations over the median.
    """
    service = 0.5 * (1 + math.erf(safety * _GRAIN / math.sqrt(2)))
    return np.array([fractile(pmf, service) for pmf in params.pmfs(params.retailer_lead_time + 1)])


def proportional(params: DistributionParams, safety: int) -> Shares:
    """Ask for what is short of the base stock; a warehouse that holds less cuts all by the same factor."""
    levels = _retailer_levels(params, safety)
    return lambda position, stock: np.maximum(levels - position, 0)


def min_shortage(params: DistributionParams, safety: int) -> Shares:
    """Share out so that the largest shortage below the base stock, in units, becomes as small as can be."""
    table = equal_shortage_levels(_retailer_levels(params, safety))
    return lambda position, stock: fill(table, position, stock)


def least_cost(params: DistributionParams, safety: int) -> Shares:
    """Share out unit by unit where the expected cost on arrival falls most; `safety` plays no part."""
    table = marginal_levels(params)
    return lambda position, stock: fill(table, position, stock)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"proportional": proportional, "min_shortage": min_shortage, "least_cost": least_cost}
)


def _decide(params: DistributionParams, shares: Shares, level: Any, state: State, raised: Any = 0) -> Orders:
    """Return the warehouse's order and the shipments wanted: the system is raised to `level`.

    `level` may differ from copy to copy, (n,) units; shares treat retailers as if they had `raised`, (n, N)
    whole units, less.
    """
    order = np.maximum(level - system_position(state), 0)
    wanted = shares(retailer_positions(state) - raised, state.on_hand)
    return Orders(order, np.minimum(wanted, params.shipment_limits))


def simulated_costs(
    params: DistributionParams, rule: Rule, level: int, safety: int, copies: int = _COPIES, seed: int = _SEED
) -> Array:
    """Return the average cost per period of each copy, (copies,), on demands that every candidate meets."""
    task = DistributionTask(**{name: getattr(params, name) for name in params.__dataclass_fields__})
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, copies))
    shares = rule(params, safety)
    cost = np.zeros(copies)
    for period in range(_WARMUP + _PERIODS):
        action = task.to_action(_decide(params, shares, level, state.tracked))
        state, outcome = task.step(state, action, task.draw_step(source, copies))
        if period >= _WARMUP:
            cost += task.counters(outcome, task.terms(outcome))["cost"]
    return cost / _PERIODS


@lru_cache(maxsize=32)
def best_levels(params: DistributionParams, name: str) -> tuple[int, int, float]:
    """Return the system's level, the retailers' safety and the simulated cost of a rule's best setting."""
    rule = RULES[name]
    grain = max(round(params.retailers / 3), 1)  # the more retailers, the flatter the cost in the level

    def cost(at: tuple[int, ...]) -> float:
        safety = at[1] if len(at) > 1 else 0
        return float(simulated_costs(params, rule, at[0] * grain, safety).mean())

    ratio = params.penalty / (params.penalty + params.retailer_holding)
    level = round(relaxed_cost(params)[0] / grain)
    start: tuple[int, ...] = (
        (level,) if rule is least_cost else (level, round(_normal_quantile(ratio) / _GRAIN))
    )
    found, value = local_search(cost, start, (0, -100)[: len(start)])
    return found[0] * grain, found[1] if len(found) > 1 else 0, value


def _normal_quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))


def _baseline(name: str) -> Callable[[DistributionTask], Policy]:
    def make(task: DistributionTask) -> Policy:
        level, safety, _ = best_levels(task.params, name)
        shares = RULES[name](task.params, safety)

        def shifted(state: State, shift: Array) -> Array:
            raised = np.rint(shift[:, 1:])
            return task.to_action(_decide(task.params, shares, level + shift[:, 0], state, raised))

        return ShiftedRule(1 + task.params.retailers, task.to_state, shifted)

    return make


DISTRIBUTION: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {f"base_stock_{name}": _baseline(name) for name in RULES}
)
