"""Whole-unit demand laws, their convolutions and losses."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_choice, check_number

LAWS = ("poisson", "geometric", "uniform")
SMALLEST_MEAN, LARGEST_MEAN = 0.01, 1000.0  # units/period
MOST_PERIODS = 10_000  # of an episode: a backlog that only grows still fits into the observation
_TAIL = 1e-10  # probability beyond which a law is cut; the cut mass sits on the last value

Pmf = NDArray[np.float64]  # (values,) probability of 0, 1, 2, ... units


def check_demand(law: str, mean: float, name: str = "demand_mean") -> None:
    """Raise ValueError on an unknown law or a mean that it cannot have; `name` is that of the mean."""
    check_choice("demand", law, LAWS)
    check_number(name, mean, low=SMALLEST_MEAN, high=LARGEST_MEAN, unit="units/period")
    if law == "uniform" and 2 * mean != int(2 * mean):
        raise ValueError(f"{name} must be a multiple of 0.5 for uniform demand on 0..2*mean, got {mean}")


def check_position(limit: int, mean: float, names: str) -> None:
    """Raise ValueError if stock and orders may grow beyond what observations hold.

    Args:
        limit: most units in stock and on order.
        mean: of demand, units/period.
        names: of the parameters on which the limit depends.
    """
    check_number(f"stock and orders ({names})", limit, high=10_000 * mean, unit="units (10,000 mean demands)")


@lru_cache(maxsize=128)
def demand_pmf(law: str, mean: float, periods: int = 1) -> Pmf:
    """Return P(demand of `periods` periods = k) for k = 0, 1, ...; sums to 1.

    "poisson", "geometric" (P(k) = (1 - a) a^k with a = mean / (1 + mean)) or "uniform" on 0..2*mean.
    """
    from scipy import stats

    check_demand(law, mean)
    frozen: Any
    if law == "poisson":
        frozen = stats.poisson(mean * periods)
    elif law == "geometric":
        frozen = stats.nbinom(periods, 1 / (1 + mean))
    else:
        pmf = np.array([1.0])
        for _ in range(periods):
            pmf = np.convolve(pmf, np.full(int(2 * mean) + 1, 1 / (2 * mean + 1)))
        pmf.flags.writeable = False
        return pmf
    pmf = frozen.pmf(np.arange(int(frozen.isf(_TAIL)) + 1))
    pmf[-1] += 1 - pmf.sum()
    pmf.flags.writeable = False
    return np.asarray(pmf)


def fractile(pmf: Pmf, level: float) -> int:
    """Return the smallest k with P(demand <= k) >= level."""
    # The slack forgives rounding where the level is met exactly.
    return int(np.searchsorted(np.cumsum(pmf), level - 1e-12))


def mean_and_sd(law: str, mean: float) -> tuple[float, float]:
    """Return mean and standard deviation of one period's demand, units."""
    variance = {
        "poisson": mean,
        "geometric": mean * (1 + mean),
        "uniform": ((2 * mean + 1) ** 2 - 1) / 12,
    }[law]
    return mean, float(np.sqrt(variance))


def expected_leftover(pmf: Pmf, on_hand: NDArray[Any]) -> NDArray[np.float64]:
    """Return E[(on hand - demand)^+] for whole units of any shape."""
    levels = np.arange(max(int(on_hand.max(initial=0)), 0) + 1)
    table = np.maximum(levels[:, None] - np.arange(len(pmf))[None, :], 0) @ pmf
    return np.where(on_hand > 0, table[np.maximum(on_hand, 0).astype(np.int64)], 0.0)


def expected_left_and_unmet(
    pmf: Pmf, mean: float, on_hand: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected units left over and the expected unmet demand of whole units on hand.

    `mean` is that of `pmf` before its tail was cut.
    """
    left = expected_leftover(pmf, on_hand)
    return left, mean - on_hand + left


def leftover_law(pmf: Pmf, top: int) -> NDArray[np.float64]:
    """Return P(left over = column | on hand = row), (top + 1, top + 1): demand empties the shelf at most."""
    matrix = np.zeros((top + 1, top + 1))
    for on_hand in range(top + 1):
        sold = pmf[:on_hand]
        matrix[on_hand, on_hand - np.arange(len(sold))] = sold
        matrix[on_hand, 0] += 1 - sold.sum()
    return matrix


def whole_mean(mean: float) -> int:
    """Return the whole units nearest to a mean demand, at least 1: what lies on each lane at the start."""
    return max(round(mean), 1)


def sample(cdf: Array, uniform: Array) -> Array:
    """Return float32 whole demands by inverting the cumulative table at U[0, 1) draws."""
    if isinstance(uniform, np.ndarray):  # the methods save microseconds, which one gym.Env feels
        return cdf.searchsorted(uniform, side="right").astype(np.float32)
    xp = array_namespace(cdf, uniform)
    return xp.astype(xp.searchsorted(cdf, uniform, side="right"), xp.float32)


def cdf_table(pmf: Pmf) -> NDArray[np.float32]:
    """Return the cumulative table for `sample`; its last entry is left out, so that no draw falls beyond."""
    return np.cumsum(pmf)[:-1].astype(np.float32)


def backlog_tail(pmf: Pmf, most: int, chance: float = 1e-9) -> int:
    """Return how many units demand gets ahead of orders of `most` a period, but for `chance`.

    The overshoot of the random walk of demand less orders has an exponential tail with the positive root t of
    E exp(t (demand - most)) = 1. Source: Lundberg's inequality, Asmussen (2003), Applied Probability and
    Queues, chapter XIII.

    Raises:
        ValueError: if orders can not keep up with demand: then the backlog grows without end.
    """
    from scipy.optimize import brentq
    from scipy.special import logsumexp

    steps = np.arange(len(pmf)) - most
    mean = float(pmf @ steps)
    if mean > -1e-4 * most:
        raise ValueError(
            f"max_order must lie above the mean demand, {mean + most:g} units/period, or backlog grows "
            f"without end; got at most {most} units ordered a period"
        )
    if pmf[steps > 0].sum() <= chance * chance:
        return 0

    def growth(root: float) -> float:
        return float(logsumexp(root * steps, b=pmf))

    high = 1.0
    while growth(high) <= 0:
        high *= 2
    low = high
    while growth(low) >= 0:
        low /= 2
    return math.ceil(-math.log(chance) / float(brentq(growth, low, high)))
