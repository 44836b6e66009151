"""The best a first-price bidder can do who sees the hidden market but no single price: a dual bound."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.dynamics import log_quality, open_auctions, price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import VALUE_REACH, value_quantiles
from sb3_ecom.envs.advertising.pacing.params import PacingParams

Floats = NDArray[np.float64]

WORTH = np.linspace(-9.0, 9.0, 361)  # log worth of a mean value, over the price level


class Path(NamedTuple):
    """What n days hide: (n, ticks) each."""

    auctions: Floats
    level: Floats  # log price level, over the median price
    worth: Floats  # conversions of a mean value


def shaded_bid(worth: Floats, log_price: Floats, sd: float) -> Floats:
    """Return the bid b that maximises (worth - b) F(b) for a lognormal rival bid: (w - b) f(b) = F(b).

    With z = (ln b - m) / sd it is the root of ln(w - b) = ln b + ln(sd Phi(z) / phi(z)), found by bisection:
    the left side falls and the right side rises in b.

    Args:
        worth: > 0, of any shape.
        log_price: m, of the same shape.
        sd: of the log price.
    """
    from scipy import special

    low, high = np.full(worth.shape, -40.0), np.log(worth)
    for _ in range(60):
        middle = (low + high) / 2
        z = (middle - log_price) / sd
        # Phi / phi, without underflow: the inverse Mills ratio's other side.
        log_ratio = special.log_ndtr(z) + z * z / 2 + 0.5 * np.log(2 * np.pi)
        bid = np.exp(middle)
        over = np.log(np.maximum(worth - bid, 1e-300)) < middle + np.log(sd) + log_ratio
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray(np.exp((low + high) / 2))


@lru_cache(maxsize=8)
def best_surplus(params: PacingParams) -> Floats:
    """Return E max_b (v w - b) F(b | v) at price level 1 for log w in `WORTH`, over values of mean 1."""
    from scipy import special, stats

    nodes, weights = np.polynomial.legendre.leggauss(200)
    score = nodes * VALUE_REACH
    weight = weights * VALUE_REACH * stats.norm.pdf(score)
    value = np.maximum(value_quantiles(params, score), 1e-12)
    centre = params.price_spread * params.value_correlation * score - params.price_spread**2 / 2
    sd = params.price_spread * np.sqrt(1 - params.value_correlation**2)
    worth = np.exp(WORTH)[:, None] * value
    bid = shaded_bid(worth, np.broadcast_to(centre, worth.shape), sd)
    return np.asarray(((worth - bid) * special.ndtr((np.log(bid) - centre) / sd)) @ weight)


def dual_bound(params: PacingParams, path: Path, budget: Floats) -> Floats:
    """Return (n,) upper bounds on conversions for money budgets (n,), over the median price.

    min over l of l B + sum_t n_t E max_b (q_t v - l b) F_t(b | v): whoever does not see the single prices of
    a tick before bidding earns no more than the maximum there, and each unit of money l more.
    """
    surplus = best_surplus(params)
    best = np.full(budget.shape, np.inf)
    for log_price in np.linspace(-8.0, 8.0, 321):
        gap = np.log(path.worth) - path.level - log_price
        # Beyond the table nothing is won, or everything at a price that no longer matters.
        gain = np.exp(np.interp(gap, WORTH, np.log(np.maximum(surplus, 1e-300))))
        gain = np.where(gap > WORTH[-1], np.exp(gap), gain)
        total = budget + (path.auctions * np.exp(path.level) * gain).sum(1)
        best = np.minimum(best, np.exp(log_price) * total)
    return best


def replay_paths(task: PacingTask, n: int, seed: int) -> tuple[Path, Floats]:
    """Return the hidden market and the (n,) budgets of `StepLoop(task, n)` after ``reset(seed)``."""
    source = NumpyBackend()
    source.seed(seed)
    params, tables = task.params, task.tables
    state = task.initial_state(task.draw_reset(source.spawn(1), n))
    budget = state.budget / MICROS
    idle = np.full((n, 1), -1.0, dtype=np.float32)
    rows = []
    for _ in range(task.horizon):
        noise = task.draw_step(source, n)
        counts = open_auctions(state, noise, params, tables).counts.astype(np.float64)
        level = price_level(state, params, tables) - np.log(params.price_median)
        worth = params.conversion_rate * np.exp(log_quality(state, params, tables))
        rows.append((counts, level.astype(np.float64), worth.astype(np.float64)))
        state, _ = task.step(state, idle, noise)
    auctions, level, worth = (np.stack(part, 1) for part in zip(*rows, strict=True))
    return Path(auctions, level, worth), budget


def bounds(task: PacingTask, n: int, seed: int) -> Floats:
    """Return the (n,) bounds of the days of `StepLoop(task, n)` after ``reset(seed)``."""
    return dual_bound(task.params, *replay_paths(task, n, seed))
