"""Backlog costs as a function of the inventory position, and the (s, S) policy that minimises them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from sb3_ecom.envs.inventory.demand import expected_left_and_unmet
from sb3_ecom.envs.inventory.markov import Values
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.rewards import holding_and_penalty


def position_costs(params: SingleItemParams, levels: Values) -> Values:
    """Return the expected holding and backlog cost `lead_time` periods ahead of an inventory position."""
    periods = params.lead_time + 1
    ends = expected_left_and_unmet(params.pmf(periods), params.demand_mean * periods, levels)
    holding, penalty = holding_and_penalty(*ends, params)
    return np.asarray(holding + penalty)


@lru_cache(maxsize=64)
def best_reorder_levels(params: SingleItemParams) -> tuple[int, int, float]:
    """Return (s, S, average cost) of the optimal policy "at or below s, order up to S".

    Source: Zheng and Federgruen (1991), algorithm of section 2 (with s here one below theirs where they
    order strictly below).
    """
    low, high = _range(params)
    levels = np.arange(low, high + 1)
    costs = position_costs(params, levels)
    renewal = _renewal(params, high - low + 1)
    valley = int(costs.argmin())
    s, top = valley - 1, valley
    while _average(params, costs, renewal, s, top) > costs[s]:
        s -= 1
    best = _average(params, costs, renewal, s, top)
    candidate = top + 1
    while candidate < len(levels) and costs[candidate] <= best:
        if _average(params, costs, renewal, s, candidate) < best:
            top = candidate
            while _average(params, costs, renewal, s, top) <= costs[s + 1]:
                s += 1
            best = _average(params, costs, renewal, s, top)
        candidate += 1
    return int(levels[s]), int(levels[top]), best


def _range(params: SingleItemParams) -> tuple[int, int]:
    ahead = params.lead_time + 1
    spread = math.ceil(6 * math.sqrt(ahead * params.demand_mean * (1 + params.demand_mean))) + 10
    centre = math.ceil(params.demand_mean * ahead)
    return centre - spread - 4 * params.batch, centre + spread + 4 * params.batch


def _renewal(params: SingleItemParams, size: int) -> Values:
    """Return expected visits to "j units below S" in one order cycle."""
    pmf = np.zeros(size)
    known = params.pmf()[:size]
    pmf[: len(known)] = known
    visits = np.zeros(size)
    visits[0] = 1 / (1 - pmf[0])
    for j in range(1, size):
        visits[j] = (pmf[1 : j + 1] @ visits[j - 1 :: -1][:j]) / (1 - pmf[0])
    return visits


def _average(params: SingleItemParams, costs: Values, renewal: Values, s: int, top: int) -> float:
    visits = renewal[: top - s]
    return float((params.fixed_cost + visits @ costs[top:s:-1]) / visits.sum())
