"""Expected wins and costs of bids on a keyword, by AdCraft's curves, and the best bids under a budget."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.envs.advertising.keyword.params import KeywordParams
from sb3_ecom.envs.advertising.quantiles import normal_scores

TOP_BID = 1.6  # money; the highest bid
QUANTILES = 4096  # entries of a quantile table
GRID = np.linspace(0.0, TOP_BID, 161)  # bids that planning looks at


class Tables(NamedTuple):
    """Quantile tables of the laws that keywords are drawn from, (QUANTILES,) each, and of the normal law."""

    click: Array  # Beta(click_alpha, click_beta)
    conversion: Array  # Beta(5, 2), scaled
    revenue: Array  # 1.5 Beta(2, 5) over the scale of conversion rates, money per conversion
    slope: Array  # 25 Beta(5, 5), of the win curve
    score: Array  # N(0, 1)


def build_tables(params: KeywordParams) -> Tables:
    """Compute the quantiles."""
    from scipy import stats

    chance = (np.arange(QUANTILES) + 0.5) / QUANTILES
    laws = (
        stats.beta.ppf(chance, params.click_alpha, params.click_beta),
        stats.beta.ppf(chance, 5, 2) * params.conversion_scale,
        stats.beta.ppf(chance, 2, 5) * 1.5 / params.conversion_scale,
        stats.beta.ppf(chance, 5, 5) * 25.0,
        normal_scores(QUANTILES),
    )
    return Tables(*(law.astype(np.float32) for law in laws))


def win_rate(xp: Any, bid: Array, slope: Array, threshold: Array) -> Array:
    """Return clip(1.1 sigmoid(slope (bid - threshold)) - .05, 0, 1)."""
    odds = xp.clip(slope * (bid - threshold), -30.0, 30.0)
    return xp.clip(1.1 / (1.0 + xp.exp(-odds)) - 0.05, 0.0, 1.0)


def mean_click_cost(bid: Floats) -> Floats:
    """Return E clip(sqrt(b)/4 + b/2 + N(0, sqrt(b)/6), 0, b)."""
    from scipy import special, stats

    mean, sd = np.sqrt(bid) / 4 + bid / 2, np.maximum(np.sqrt(bid) / 6, 1e-12)
    low, high = -mean / sd, (bid - mean) / sd
    inside = mean * (special.ndtr(high) - special.ndtr(low))
    inside = inside + sd * (stats.norm.pdf(low) - stats.norm.pdf(high))
    return np.asarray(inside + bid * special.ndtr(-high))


def best_on_grid(
    wins: Floats, value: Floats, click: Floats, money: Floats, volume: float | Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Bid on (n, K) keywords under (n,) budgets: the dual on the expected landscape.

    Maximise volume x win x click x (value - (1 + mu) cost) on the grid of bids, with the least mu >= 0 that
    keeps the expected cost within the budget (bisection).

    Args:
        wins: (n, K, G) win rates on the grid.
        value: (n, K) revenue per click.
        click: (n, K) click rates.
        money: (n,) daily budgets.
        volume: searches per keyword and day, or (n, K) of each keyword.

    Returns:
        bids (n, K), expected cost (n,), dual bound on the day's profit (n,), mu (n,).
    """
    clicks = (volume * click)[:, :, None] * wins
    cost, gain = clicks * mean_click_cost(GRID), clicks * value[:, :, None]

    def choose(mu: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
        surplus = gain - (1 + mu)[:, None, None] * cost
        best = surplus.argmax(2)
        spent = np.take_along_axis(cost, best[:, :, None], 2)[:, :, 0].sum(1)
        return best, spent, mu * money + surplus.max(2).sum(1)

    low, high = np.zeros_like(money), np.full(money.shape, 40.0)
    free = choose(low)[1] <= money
    for _ in range(14):
        middle = (low + high) / 2
        over = choose(middle)[1] > money
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    mu = np.where(free, 0.0, high)
    best, spent, bound = choose(mu)
    return GRID[best], spent, bound, mu


@lru_cache(maxsize=8)
def typical_spend(params: KeywordParams) -> float:
    """Return the spend of the best bids on average keywords, per keyword and day, without a budget."""
    generator, tables = np.random.default_rng(0), build_tables(params)
    places = generator.integers(QUANTILES, size=(4, 1, 4000))
    laws = zip(tables[:4], places, strict=True)
    click, conversion, revenue, slope = (np.asarray(law[place], np.float64) for law, place in laws)
    threshold = 1.5 * generator.random((1, 4000))
    wins = win_rate(np, GRID, slope[:, :, None], threshold[:, :, None])
    spent = best_on_grid(wins, conversion * revenue, click, np.array([1e9]), params.volume)[1]
    return float(spent[0] / 4000)
