"""Intervals that hold training seeds and visitors together, and summaries over a suite of ids.

Returns of a learner are a table (seeds, episodes): every seed meets the same episodes. A policy without a
learner is a single row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sb3_ecom.core.arrays import Floats


class Estimate(NamedTuple):
    """A mean with its standard error and 95% interval."""

    mean: float
    stderr: float
    low: float
    high: float


def estimate_mean(returns: ArrayLike) -> Estimate:
    """Estimate the mean over the population of seeds and that of episodes.

    Model: return[s, e] = mean + seed[s] + episode[e] + residual[s, e], all random. With the mean squares of
    the two-way table, Var(mean) = (MS_seeds + MS_episodes - MS_residual) / (S * E); a component of variance
    that is estimated below 0 counts as 0. The interval is Student's t with Satterthwaite's degrees of
    freedom. A single seed says nothing of the spread of seeds: its interval holds episodes only.

    Source: Satterthwaite 1946, Biometrics Bulletin 2(6); Searle, Casella & McCulloch 1992, chapter 4.

    Args:
        returns: (E,), or (S, E) of S seeds in the same E episodes; or paired differences of such returns.

    Raises:
        ValueError: with fewer than 2 episodes.
    """
    table = np.atleast_2d(np.asarray(returns, dtype=np.float64))
    seeds, episodes = table.shape
    if episodes < 2:
        raise ValueError(f"returns must hold >= 2 episodes, got {episodes}")
    mean, by_episode, by_seed = float(table.mean()), table.mean(axis=0), table.mean(axis=1)
    of_episodes = seeds * float(by_episode.var(ddof=1))
    if seeds == 1:
        return _interval(mean, of_episodes / episodes, episodes - 1)
    of_seeds = episodes * float(by_seed.var(ddof=1))
    freedom = (seeds - 1) * (episodes - 1)
    residual = float(((table - by_episode - by_seed[:, None] + mean) ** 2).sum()) / freedom
    above = [
        (square, degrees)
        for square, degrees in ((of_seeds, seeds - 1), (of_episodes, episodes - 1))
        if square > residual
    ]
    parts = [*above, ((1 - len(above)) * residual, freedom)]
    total = sum(square for square, _ in parts)
    spread = sum(square**2 / degrees for square, degrees in parts)
    return _interval(mean, total / table.size, total**2 / spread if spread > 0 else freedom)


def difference(returns: ArrayLike, others: ArrayLike) -> Estimate:
    """Estimate the mean of `returns` less that of `others` in the same episodes.

    Args:
        returns: (E,) or (S, E).
        others: (E,) or (T, E). Two tables of seeds are paired by episode only: their seeds are independent,
            and the spread of each side's is counted.

    Raises:
        ValueError: if the episodes are not as many.
    """
    left, right = (np.atleast_2d(np.asarray(part, dtype=np.float64)) for part in (returns, others))
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"others must hold the {left.shape[1]} episodes of returns, got {right.shape[1]}")
    if min(len(left), len(right)) == 1:
        return estimate_mean(left - right)
    found = estimate_mean(left - right.mean(axis=0))
    # What the other side's seeds add: the spread of their means, less what the episodes explain of it.
    spread = float(right.mean(axis=1).var(ddof=1)) / len(right)
    stderr = float(np.hypot(found.stderr, spread**0.5))
    width = (found.high - found.low) / (2 * found.stderr) * stderr if found.stderr > 0 else 1.96 * stderr
    return Estimate(found.mean, stderr, found.mean - width, found.mean + width)


def ratio(returns: ArrayLike, others: ArrayLike) -> Estimate:
    """Estimate mean(returns) / mean(others) of two policies in the same episodes, by the delta method.

    Raises:
        ValueError: if the mean of `others` is 0.
    """
    left, right = (np.asarray(part, dtype=np.float64) for part in (returns, others))
    bottom = float(right.mean())
    if bottom == 0:
        raise ValueError("others must have a mean other than 0")
    value = float(left.mean()) / bottom
    found = estimate_mean((left - value * right) / bottom)
    return Estimate(value, found.stderr, value + found.low - found.mean, value + found.high - found.mean)


def interquartile_mean(scores: ArrayLike) -> float:
    """Return the mean of the middle half of all runs' scores; each end is cut by floor(size / 4).

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.3.
    """
    from scipy.stats import trim_mean  # as rliable does

    return float(trim_mean(np.ravel(np.asarray(scores, dtype=np.float64)), 0.25))


def performance_profile(scores: Sequence[ArrayLike], thresholds: ArrayLike) -> Floats:
    """Return per threshold the share of runs that score more, averaged over the ids.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.2.

    Args:
        scores: one (seeds,) array an id.
        thresholds: (T,).
    """
    levels = np.asarray(thresholds, dtype=np.float64)
    shares = [(np.asarray(runs)[:, None] > levels).mean(axis=0) for runs in scores]
    return np.asarray(np.mean(shares, axis=0), dtype=np.float64)


def resample_means(returns: ArrayLike, draws: int, source: np.random.Generator) -> Floats:
    """Return (draws, S) means of bootstrap samples: seeds and episodes drawn with replacement, each apart.

    Source: Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1(2).
    """
    table = np.atleast_2d(np.asarray(returns, dtype=np.float64))
    seeds, episodes = table.shape
    found = np.empty((draws, seeds))
    for row in range(draws):  # one at a time: (draws, episodes) counts need not be held
        counts = np.bincount(source.integers(episodes, size=episodes), minlength=episodes)
        found[row] = (table @ counts / episodes)[source.integers(seeds, size=seeds)]
    return found


def suite_interval(
    scores: Sequence[ArrayLike], *, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Return the interquartile mean over a suite and its 95% interval over seeds and episodes.

    Args:
        scores: one (seeds, episodes) table an id, of returns on the scale of scores.
        draws: bootstrap samples.
        seed: of the bootstrap.
    """
    tables = [np.atleast_2d(np.asarray(table, dtype=np.float64)) for table in scores]
    source = np.random.default_rng(seed)
    samples = [resample_means(table, draws, source) for table in tables]
    value = interquartile_mean(np.concatenate([table.mean(axis=1) for table in tables]))
    found = [interquartile_mean(np.concatenate(row)) for row in zip(*samples, strict=True)]
    low, high = np.quantile(found, (0.025, 0.975))
    return value, float(low), float(high)


def _interval(mean: float, variance: float, freedom: float) -> Estimate:
    from scipy.stats import t as student

    stderr = float(np.sqrt(variance))
    width = float(student.ppf(0.975, freedom)) * stderr
    return Estimate(mean, stderr, mean - width, mean + width)
