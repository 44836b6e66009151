"""The best a first-price bidder can do who sees the hidden market but no single price: a dual bound."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.dynamics import log_quality, relative_price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import MAX_VALUE_SCORE, value_quantiles
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.replay import replay_market

LOG_VALUATIONS = np.linspace(-9.0, 9.0, 361)  # of a mean predicted value, over the price level


class Path(NamedTuple):
    """Hidden market of n days: (n, ticks) each."""

    auctions: Floats
    level: Floats  # log price level, over the median price
    conversions: Floats  # of a mean predicted value


def shaded_bid(valuation: Floats, log_price: Floats, sd: float) -> Floats:
    """Return the bid b that maximises (valuation - b) F(b) for a lognormal rival bid: (v - b) f(b) = F(b).

    With z = (ln b - m) / sd it is the root of ln(v - b) = ln b + ln(sd Phi(z) / phi(z)), found by bisection:
    the left side falls and the right side rises in b.

    Args:
        valuation: > 0, of any shape.
        log_price: m, of the same shape.
        sd: of the log price.
    """
    from scipy import special

    low, high = np.full(valuation.shape, -40.0), np.log(valuation)
    for _ in range(60):
        middle = (low + high) / 2
        z = (middle - log_price) / sd
        # Phi / phi, without underflow: the inverse Mills ratio's other side.
        log_ratio = special.log_ndtr(z) + z * z / 2 + 0.5 * np.log(2 * np.pi)
        bid = np.exp(middle)
        over = np.log(np.maximum(valuation - bid, 1e-300)) < middle + np.log(sd) + log_ratio
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray(np.exp((low + high) / 2))


@lru_cache(maxsize=8)
def best_surplus(params: PacingParams) -> Floats:
    """Return E max_b (v w - b) F(b | v) at price level 1, v of mean 1, for each log w in `LOG_VALUATIONS`."""
    from scipy import special, stats

    nodes, weights = np.polynomial.legendre.leggauss(200)
    score = nodes * MAX_VALUE_SCORE
    weight = weights * MAX_VALUE_SCORE * stats.norm.pdf(score)
    value = np.maximum(value_quantiles(params, score), 1e-12)
    centre = params.price_spread * params.value_correlation * score - params.price_spread**2 / 2
    sd = params.price_spread * np.sqrt(1 - params.value_correlation**2)
    valuation = np.exp(LOG_VALUATIONS)[:, None] * value
    bid = shaded_bid(valuation, np.broadcast_to(centre, valuation.shape), sd)
    return np.asarray(((valuation - bid) * special.ndtr((np.log(bid) - centre) / sd)) @ weight)


def dual_bound(params: PacingParams, path: Path, budget: Floats) -> Floats:
    """Return (n,) upper bounds on conversions for money budgets (n,), over the median price.

    min over l of l B + sum_t n_t E max_b (q_t v - l b) F_t(b | v): whoever does not see the single prices of
    a tick before bidding earns no more than the maximum there, and each unit of money l more.
    """
    surplus = best_surplus(params)
    best = np.full(budget.shape, np.inf)
    for log_price in np.linspace(-8.0, 8.0, 321):
        gap = np.log(path.conversions) - path.level - log_price
        # Beyond the table nothing is won, or everything at a price that no longer matters.
        gain = np.exp(np.interp(gap, LOG_VALUATIONS, np.log(np.maximum(surplus, 1e-300))))
        gain = np.where(gap > LOG_VALUATIONS[-1], np.exp(gap), gain)
        total = budget + (path.auctions * np.exp(path.level) * gain).sum(1)
        best = np.minimum(best, np.exp(log_price) * total)
    return best


def _replay_paths(task: PacingTask, n: int, seed: int) -> tuple[Path, Floats]:
    """Return the hidden market and the (n,) budgets of `StepLoop(task, n)` after ``reset(seed)``."""
    source = NumpyBackend()
    source.seed(seed)
    params, tables = task.params, task.tables.hidden
    hidden = task.start(task.draw_reset(source.spawn(1), n))[0]
    rows = []
    for market, batch in replay_market(task, hidden, source):
        level = relative_price_level(market, params, tables)
        conversions = params.conversion_rate * np.exp(log_quality(market, params, tables))
        rows.append([part.astype(np.float64) for part in (batch.counts, level, conversions)])
    return Path(*(np.stack(part, 1) for part in zip(*rows, strict=True))), hidden.budget / MICROS


def bounds(task: PacingTask, n: int, seed: int) -> Floats:
    """Return the (n,) bounds of the days of `StepLoop(task, n)` after ``reset(seed)``."""
    return dual_bound(task.params, *_replay_paths(task, n, seed))
