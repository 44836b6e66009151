"""The fluid programme of one season as a linear programme (HiGHS), by column generation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.pricing.season.fluid import best_factors
from sb3_ecom.envs.pricing.season.params import SeasonParams


class Solution(NamedTuple):
    """Optimum of the programme."""

    value: float  # money
    bid_price: Floats  # (K,) money, the duals of the stocks
    bound: float  # upper bound that the last duals prove; equals `value` up to the tolerance


def solve(
    visitors: Floats, sensitivity: Floats, params: SeasonParams, *, tolerance: float = 1e-7
) -> Solution:
    """Solve sum_t visitors_t R(q_t) subject to the stocks, over shares of time at price vectors.

    Columns are price vectors of a period; the next ones are the best for the present duals.

    Args:
        visitors: (T,) mean number.
        sensitivity: (T,).
        params: of the season.
        tolerance: relative gap at which to stop.

    Raises:
        RuntimeError: if HiGHS fails, or the gap does not close.
    """
    from scipy.optimize import linprog

    price, stock = np.asarray(params.price), np.asarray(params.stock, dtype=np.float64)
    salvage = price * params.salvage
    periods, columns = len(visitors), []
    cost = salvage.copy()
    for _ in range(500):
        proposals, bound = _columns(cost, visitors, sensitivity, params)
        columns += proposals
        rows = np.array([sales for _, _, sales in columns]).T
        gains = np.array([gain for _, gain, _ in columns])
        time = np.zeros((periods, len(columns)))
        time[[period for period, _, _ in columns], np.arange(len(columns))] = 1.0
        found: Any = linprog(
            -gains,
            A_ub=np.vstack([rows, time]),
            b_ub=np.concatenate([stock, np.ones(periods)]),
            method="highs",
        )
        if found.status:
            raise RuntimeError(f"HiGHS could not solve the fluid programme: {found.message}")
        value = float(-found.fun + salvage @ stock)
        cost = salvage - found.ineqlin.marginals[: len(stock)]
        best = min(bound, _columns(cost, visitors, sensitivity, params)[1])
        if best - value <= tolerance * value:
            return Solution(value, cost, best)
    raise RuntimeError(f"the fluid programme is between {value:.6g} and {best:.6g} after 500 rounds")


def _columns(
    cost: Floats, visitors: Floats, sensitivity: Floats, params: SeasonParams
) -> tuple[list[tuple[int, float, Floats]], float]:
    """Return the best price vector of each period as (period, gain over salvage, sales), and the bound."""
    price = np.asarray(params.price)
    everything = np.ones((len(visitors), len(price)))
    value, factor, weight = best_factors(cost[None], sensitivity[:, None], everything, params)
    kept = weight * (factor * price - cost > value[:, None])  # the others earn more unsold
    sales = visitors[:, None] * kept / (1 + kept.sum(1, keepdims=True))
    gain = (sales * (factor * price - price * params.salvage)).sum(1)
    bound = float(np.asarray(params.stock) @ cost + visitors @ value)
    return [(t, float(gain[t]), sales[t]) for t in range(len(visitors))], bound
