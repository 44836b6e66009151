"""Traffic over the day, rivals' bids and the expected landscape, from the parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams
from sb3_ecom.envs.advertising.quantiles import normal_scores

RIVALS = 2**14  # simulated triples of highest rival bids: one uniform number picks one
SCORES = 2**13  # equally likely normal scores
NOISES = 2**6  # likewise, twice, for prediction noise
TRAFFIC_BLOCK = 4  # ticks that share a traffic factor U(.6, 1.4)
VALUE_BLOCK = 8  # ticks that share a value factor

# AuctionNet's traffic: least about 02:30, most about 09:00; knots between are read off its day.
_HOURS = (0.0, 2.5, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)
_WEIGHTS = (0.008, 0.003, 0.012, 0.038, 0.030, 0.028, 0.027, 0.022, 0.008)


class Tables(NamedTuple):
    """Constant arrays."""

    traffic: Array  # (ticks + 1,) share of the day's impressions; the last repeats
    traffic_left: Array  # (ticks + 1,) share still to come
    score: Array  # (SCORES,) normal quantiles of variance 1
    noise: Array  # (NOISES,) likewise
    price: Array  # (3, RIVALS) highest three rival bids for a bundle, falling


class Landscape(NamedTuple):
    """Expected result of an auction by the log bid of a mean value, over the price scale of a bundle."""

    gap: Floats  # (k,) ascending
    wins: Floats  # (k,) chance of any slot
    value: Floats  # (k,) exposed value, in mean values
    cost: Floats  # (k,) money, in price scales


def build_traffic(ticks: int) -> Floats:
    """Return shares of the day's impressions."""
    hours = (np.arange(ticks) + 0.5) * 24.0 / ticks
    weights = np.interp(hours, _HOURS, _WEIGHTS)
    return np.asarray(weights / weights.sum())


@lru_cache(maxsize=8)
def rival_bids(params: AutoParams, seed: int = 3) -> Floats:
    """Return (3, RIVALS) log highest bids of lognormal rivals for one impression, falling.

    The order statistics come from the top down: U_(n) = u^(1/n), U_(n-1) = U_(n) u'^(1/(n-1)), and so on.
    The draws of the highest are spread evenly.
    """
    from scipy import special

    generator = np.random.default_rng(seed)
    n = params.rivals
    even = (generator.permutation(RIVALS) + 0.5) / RIVALS
    log_rank = np.cumsum(
        [
            np.log(draw) / (n - k)
            for k, draw in enumerate((even, generator.random(RIVALS), generator.random(RIVALS)))
        ],
        axis=0,
    )
    return np.asarray(params.rival_log_mean + params.rival_log_sd * special.ndtri(np.exp(log_rank)))


def price_scale(params: AutoParams) -> float:
    """Return the median of the highest rival bid for a bundle."""
    return float(np.exp(np.median(rival_bids(params)[0])) * params.bundle)


@lru_cache(maxsize=8)
def build_tables(params: AutoParams) -> Tables:
    """Compute the constant arrays."""
    traffic = build_traffic(params.ticks)
    floats = (
        np.append(traffic, traffic[-1]),
        np.append(np.cumsum(traffic[::-1])[::-1], 0.0),
        normal_scores(SCORES),
        normal_scores(NOISES),
        np.maximum(np.exp(rival_bids(params)), params.reserve) * params.bundle,
    )
    return Tables(*(array.astype(np.float32) for array in floats))


@lru_cache(maxsize=8)
def build_landscape(params: AutoParams) -> Landscape:
    """Average the auction over predicted values (mean 1) and rivals' bids."""
    values = np.sort(np.maximum(1.0 + params.value_spread * normal_scores(256), 0.0))
    price = np.exp(rival_bids(params)[:, ::16]) * params.bundle / price_scale(params)
    gap = np.linspace(-3.0, 3.0, 121)
    rows = []
    for log_bid in gap:
        bid = np.exp(log_bid) * values[:, None]
        slot = (bid <= price[0]) * 1 + (bid <= price[1]) * 1 + (bid <= price[2]) * 1
        won = slot < 3
        exposed = np.where(won, np.asarray((*params.exposure, 0.0))[slot], 0.0)
        paid = exposed * np.take_along_axis(price, np.minimum(slot, 2), 0)
        rows.append((won.mean(), (exposed * values[:, None]).mean(), paid.mean()))
    wins, value, cost = np.asarray(rows).T
    return Landscape(gap, wins, value, cost)


def capacity(params: AutoParams, n: int) -> int:
    """Return places for one tick of n copies: the busiest tick's mean and 7 sd."""
    busiest = params.auctions * float(build_traffic(params.ticks).max())
    return int(np.ceil(busiest * (n + 7 * 0.25 * np.sqrt(n)) + n))
