"""Echelon base-stock levels of a serial system: exact (Clark and Scarf) and by newsvendor bounds.

Source: Snyder and Shen (2019), section 6.2.2; Shang and Song (2003), Management Science 49(5).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from sb3_ecom.envs.inventory.demand import fractile, mean_and_sd
from sb3_ecom.envs.inventory.markov import Values
from sb3_ecom.envs.inventory.serial.params import SerialParams


@lru_cache(maxsize=64)
def optimal_levels(params: SerialParams) -> tuple[tuple[int, ...], float]:
    """Return the optimal echelon base-stock levels (retailer first) and the average cost."""
    mean, sd = mean_and_sd(params.demand, params.demand_mean)
    total = sum(params.lead_times)
    top = math.ceil(mean * total + 12 * sd * math.sqrt(total)) + 10
    bottom = -3 * top
    levels = np.arange(bottom, top + 1)
    induced = (params.penalty + sum(params.echelon_holding)) * np.maximum(-levels, 0).astype(np.float64)
    best, cost = [], math.nan
    for holding, lead_time in zip(params.echelon_holding, params.lead_times, strict=True):
        costs = _expect(params.pmf(lead_time), levels, holding * levels + induced)
        # Below the lowest level demand has nowhere to fall to; the search stays clear of that edge.
        inside = costs[-bottom - top :]
        level = int(inside.argmin()) - bottom - top
        best.append(int(levels[level]))
        cost = float(costs[level])
        induced = costs[np.minimum(np.arange(len(levels)), level)]
    return tuple(best), cost


def newsvendor_levels(params: SerialParams) -> tuple[int, ...]:
    """Return the levels of Shang and Song: the mean of two newsvendor solutions a stage, rounded down."""
    total = params.penalty + sum(params.echelon_holding)
    found = []
    for j in range(params.stages):
        pmf = params.pmf(sum(params.lead_times[: j + 1]))
        upstream = params.penalty + sum(params.echelon_holding[j + 1 :])
        low = fractile(pmf, upstream / total)
        high = fractile(pmf, upstream / (upstream + params.echelon_holding[j]))
        found.append((low + high) // 2)
    return tuple(found)


def _expect(pmf: Values, levels: Values, values: Values) -> Values:
    """Return E[values(level - demand)]; left of the grid the values go on linearly."""
    slope = values[1] - values[0]
    tail = values[0] + slope * np.arange(-(len(pmf) - 1), 0)
    padded = np.concatenate([tail, values])
    return np.convolve(padded, pmf, mode="valid")
