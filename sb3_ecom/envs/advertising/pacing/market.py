"""Tables over the day, and the bid landscape that a bidder learns from history, from the parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.quantiles import normal_scores

SCORE_BINS = 2**13  # equally likely normal scores: a table look-up costs a quarter of a normal draw
VALUE_BINS = 512  # entries of the value table per unit of its normal score
MAX_VALUE_SCORE = 5.0  # normal scores beyond are cut


class MarketTables(NamedTuple):
    """Constant arrays of a market."""

    traffic: Array  # (ticks + 1,) log of the expected auctions per tick on a mean day; the last repeats
    price: Array  # (ticks + 1,) log price level of the time of day
    quality: Array  # (ticks + 1,) log quality of the time of day
    quality_later: Array  # (ticks + 1,) likewise, a quarter of a wave later
    traffic_left: Array  # (ticks + 1,) share of the day's traffic still to come
    score: Array  # (SCORE_BINS,) normal quantiles, of variance 1
    log_value: Array  # (bins,) log predicted value by normal score; values have mean 1


class Landscape(NamedTuple):
    """Expected result of one auction as a function of the gap u = log bid per value - log price level."""

    gap: Floats  # (k,) ascending
    wins: Floats  # (k,) chance to win
    value: Floats  # (k,) value won
    second: Floats  # (k,) second-price cost, in units of the price level
    first: Floats  # (k,) first-price cost, likewise


def _tick_profile(levels: tuple[float, ...], ticks: int) -> Floats:
    """Return log levels at the middle of each tick, interpolated around the clock from 24 hours."""
    hours = (np.arange(ticks) + 0.5) * 24.0 / ticks
    return np.asarray(np.interp(hours, np.arange(24) + 0.5, np.log(np.asarray(levels)), period=24.0))


def _marginal_median(params: PacingParams, profile: Floats) -> float:
    """Return the median log price over time of day and hidden drift together."""
    from scipy import optimize, special

    sds = (params.price_day_sd, params.price_ar_sd, params.price_jitter_sd, params.price_regime)
    sd = max(float(np.linalg.norm(sds)), 1e-3)
    low, high = profile.min() - 1.0, profile.max() + 1.0
    return float(optimize.brentq(lambda x: special.ndtr((x - profile) / sd).mean() - 0.5, low, high))


def value_quantiles(params: PacingParams, scores: Floats) -> Floats:
    """Return predicted values (mean 1) at normal scores."""
    from scipy import special, stats

    rates = stats.beta.ppf(special.ndtr(scores), params.value_alpha, params.value_beta)
    return np.asarray(rates * (params.value_alpha + params.value_beta) / params.value_alpha)


@lru_cache(maxsize=16)
def build_tables(params: PacingParams) -> MarketTables:
    """Compute the constant arrays."""
    ticks = params.ticks
    traffic = _tick_profile(params.traffic_profile, ticks)
    traffic += np.log(params.auctions_per_tick) - np.log(np.exp(traffic).mean())
    price = _tick_profile(params.price_profile, ticks)
    price += np.log(params.price_median) - _marginal_median(params, price)
    angle = 2 * np.pi * (np.arange(ticks + 1) + 0.5) / ticks
    shares = np.exp(traffic) / np.exp(traffic).sum()
    scores = np.arange(-MAX_VALUE_SCORE * VALUE_BINS, MAX_VALUE_SCORE * VALUE_BINS + 1) / VALUE_BINS
    floats = (
        np.append(traffic, traffic[-1]),
        np.append(price, price[-1]),
        params.quality_swing * np.sin(params.quality_peaks * angle),
        params.quality_swing * np.cos(params.quality_peaks * angle),
        np.append(np.cumsum(shares[::-1])[::-1], 0.0),
        normal_scores(SCORE_BINS),
        np.log(np.maximum(value_quantiles(params, scores), 1e-12)),
    )
    return MarketTables(*(array.astype(np.float32) for array in floats))


@lru_cache(maxsize=16)
def build_landscape(params: PacingParams) -> Landscape:
    """Integrate one auction over value (Gauss-Legendre in the normal score) and lognormal price.

    Given the value's score y, the price's score is N(rho y, 1 - rho^2): F = Phi(z) and
    E[c; c < b] = exp(m + s^2 / 2) Phi(z - s) with m = s_p rho y, s = s_p sqrt(1 - rho^2).
    """
    from scipy import special, stats

    nodes, weights = np.polynomial.legendre.leggauss(400)
    score = nodes * MAX_VALUE_SCORE
    weight = weights * MAX_VALUE_SCORE * stats.norm.pdf(score)
    value = value_quantiles(params, score)
    mean = params.price_spread * params.value_correlation * score - params.price_spread**2 / 2
    sd = params.price_spread * np.sqrt(1 - params.value_correlation**2)
    gap = np.linspace(-8.0, 8.0, 641)
    bid = gap[:, None] + np.log(np.maximum(value, 1e-12))
    z = (bid - mean) / sd
    win = special.ndtr(z)
    cost = np.exp(mean + sd**2 / 2) * special.ndtr(z - sd)
    return Landscape(gap, win @ weight, win @ (weight * value), cost @ weight, (win * np.exp(bid)) @ weight)


def mean_day_cost(params: PacingParams) -> float:
    """Return the mean cost of buying every auction of a day at second price."""
    tables = build_tables(params)
    swing = (params.price_day_sd**2 + params.price_ar_sd**2 + params.price_jitter_sd**2) / 2
    regime = np.log(np.cosh(params.price_regime))
    day = (tables.traffic + tables.price)[:-1].astype(np.float64)
    return float(np.exp(day + swing + regime).sum())


def capacity(params: PacingParams, n: int) -> int:
    """Return places for the auctions of one tick of n copies: the busiest tick's mean and 7 sd."""
    busiest = float(np.exp(build_tables(params).traffic.max()))
    variance = params.traffic_day_sd**2 + params.traffic_ar_sd**2
    sd = busiest * np.sqrt(np.expm1(variance) + 1 / busiest)
    return int(np.ceil(n * busiest + 7.0 * sd * np.sqrt(n) + 10 * sd))
