"""The exact dynamic programme of one product whose demand is known.

Source: Gallego and van Ryzin (1994), in periods: J_t(c) = max_p E[p min(D, c) + J_t+1(c - min(D, c))] with
Poisson demand D, and J_T(c) = salvage x c.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.envs.pricing.demand import attraction
from sb3_ecom.envs.pricing.season.params import SeasonParams

_PRICES = 81  # factors from floor to cap, evenly spaced in logs


class Programme(NamedTuple):
    """Optimal values and prices."""

    values: Floats  # (periods + 1, stock + 1) money to come
    factors: Floats  # (periods, stock + 1) best price factors
    value: float  # of the opening stock

    def factor_of(self, period: Array, stock: Array) -> Floats:
        """Return the best price factors of (n,) periods and stocks."""
        return np.asarray(self.factors[np.asarray(period, int), np.asarray(stock, int)])


def price_grid(params: SeasonParams, number: int = _PRICES) -> Floats:
    """Return price factors from floor to cap."""
    return np.geomspace(params.floor, params.cap, number)


def mean_demand(factor: Floats, visitors: float, sensitivity: float, params: SeasonParams) -> Floats:
    """Return the mean units asked for at price factors, for one product."""
    weight = attraction(factor[..., None], np.asarray(sensitivity), np.asarray(params.appeal))[..., 0]
    return np.asarray(visitors * weight / (1 + weight))


def solve_known(
    visitors: Floats, sensitivity: Floats, params: SeasonParams, factors: Floats | None = None
) -> Programme:
    """Return the optimum over the price factors.

    Args:
        visitors: (periods,) mean number in each period.
        sensitivity: (periods,).
        params: of a season of one product, without waiting.
        factors: (P,) that may be set; None: 81 from floor to cap.

    Raises:
        ValueError: if there is more than one product, or visitors wait.
    """
    if params.products != 1 or params.waiting:
        raise ValueError(
            f"the exact programme needs one product and no waiting, got {params.products} products and "
            f"waiting={params.waiting}"
        )
    grid = price_grid(params) if factors is None else np.asarray(factors, dtype=np.float64)
    stock, price = params.stock[0], params.price[0]
    periods = len(visitors)
    values = np.zeros((periods + 1, stock + 1))
    values[periods] = params.salvage * price * np.arange(stock + 1)
    best = np.full((periods, stock + 1), grid[-1])
    for period in range(periods - 1, -1, -1):
        mean = mean_demand(grid, float(visitors[period]), float(sensitivity[period]), params)
        table = _earned(grid * price, mean, values[period + 1])
        chosen = table.argmax(axis=0)
        values[period], best[period] = table.max(axis=0), grid[chosen]
    return Programme(values, best, float(values[0, stock]))


def _earned(price: Floats, mean: Floats, later: Floats) -> Floats:
    """Return (P, stock + 1) expected money at each price with each stock, `later` (stock + 1,) included."""
    from scipy import stats

    units: NDArray[np.int64] = np.arange(len(later))
    chance = stats.poisson.pmf(units[None], mean[:, None])  # (P, units)
    tail = stats.poisson.sf(units[None] - 1, mean[:, None])  # of selling out
    sold = np.arange(len(later))
    table = np.empty((len(price), len(later)))
    for stock in range(len(later)):
        rest = chance[:, :stock] @ later[stock:0:-1] + tail[:, stock] * later[0]
        units_sold = chance[:, :stock] @ sold[:stock] + tail[:, stock] * stock
        table[:, stock] = price * units_sold + rest
    return table
