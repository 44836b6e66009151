"""Exact auctions of many copies at once, on flat arrays, with money as whole micro-units.

Money is int64: a sum of whole numbers does not depend on where in the flat array a copy stands, so copies
can not disturb each other, and spend is conserved to the last unit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, repeat, take_rows, true_places

MICROS = 1_000_000  # whole units per unit of money, and per unit of value
UNLIMITED = 2**60  # micros: more than any market sells, and addable without overflow


class AuctionBatch(NamedTuple):
    """The auctions of one tick; those of copy i stand in ``bounds[i]:bounds[i + 1]``."""

    counts: Array  # (n,) int64 auctions
    bounds: Array  # (n + 1,) int64
    price_noise: Array  # (m,) log price relative to the copy's price level
    log_value: Array  # (m,) log value as the bidder predicts it


class Bought(NamedTuple):
    """Wins of the copies in one tick."""

    wins: Array  # (n,) int64 auctions won and paid
    spend: Array  # (n,) int64 micros
    value: Array  # (n,) int64 micros of predicted value


def lay_out(counts: Array, capacity: int) -> tuple[Array, Array]:
    """Return (counts, bounds) of segments that lie one behind the other in `capacity` places.

    Should the auctions outnumber the places (the caller makes that rarer than 1e-9), the last are left out.
    """
    xp = array_namespace(counts)
    ends = xp.minimum(xp.cumsum(counts, 0), xp.zeros_like(counts) + capacity)
    bounds = xp.concat([xp.zeros_like(ends[:1]), ends])
    return bounds[1:] - bounds[:-1], bounds


def buy(batch: AuctionBatch, log_bid: Array, level: Array, budget: Array, second_price: bool) -> Bought:
    """Bid multiplier x value in every auction until the budget is spent.

    A bid wins if it is above the highest rival bid (a tie loses) and pays that bid (second price) or itself.
    Auctions come in order; the first won auction that the rest of the budget can not pay ends the tick.

    Args:
        batch: the auctions of the tick.
        log_bid: (n,) log of the bid per unit of predicted value.
        level: (n,) log price level of the tick.
        budget: (n,) int64 micros left, in [0, UNLIMITED].
        second_price: pay the highest rival bid instead of the own one.
    """
    xp = array_namespace(log_bid)
    bar = repeat(level - log_bid, batch.counts)
    won = true_places(batch.log_value[: bar.shape[0]] - batch.price_noise[: bar.shape[0]] > bar)
    places = xp.searchsorted(won, batch.bounds)
    per_copy = places[1:] - places[:-1]
    log_value = take_rows(batch.log_value, won)
    if second_price:
        log_price = take_rows(batch.price_noise, won) + repeat(level, per_copy)
    else:
        log_price = log_value + repeat(log_bid, per_copy)
    paid = _running_sum(xp, log_price, batch.bounds)
    value = _running_sum(xp, log_value, batch.bounds)
    before = paid[places[:-1]]
    # Costs are >= 0, so the running sum is sorted: the cut-off of every copy is one binary search.
    last = xp.minimum(xp.searchsorted(paid, before + budget, side="right") - 1, places[1:])
    return Bought(last - places[:-1], paid[last] - before, value[last] - value[places[:-1]])


def _running_sum(xp: Any, logs: Array, like: Array) -> Array:
    """Return (k + 1,) running sums of exp(logs) in whole micros, rounded down, from 0."""
    amounts = xp.astype(xp.exp(logs) * float(MICROS), xp.int64)
    return xp.concat([xp.zeros_like(like[:1]), xp.cumsum(amounts, 0)])


def count_many(mean: Array, normal: Array) -> Array:
    """Turn an N(0, 1) draw per entry into a Poisson(mean) count (int64), for means of 10 or more.

    The Cornish-Fisher expansion of the Poisson quantile; its distribution is within 2e-3 (total variation)
    of the exact one, and it rises with the draw, so that paired comparisons keep their counts.

    Source: M. Giles, "Algorithm 955: approximation of the inverse Poisson cumulative distribution
    function", ACM TOMS 42 (2016), the expansion Q_N2.
    """
    xp = array_namespace(mean)
    root = xp.sqrt(mean)
    square = normal * normal
    centre = mean + root * normal + (2.0 + square) / 6.0
    skew = normal * (1.0 + square / 2.0) / (36.0 * root)
    return xp.astype(xp.floor(xp.clip(centre - skew, 0.0, None)), xp.int64)


def count_any(mean: Array, normal: Array, uniform: Array) -> Array:
    """Turn an N(0, 1) and a U[0, 1) draw per entry into a Poisson(mean) count (int64), for any mean.

    Below a mean of 10 the inverse distribution function is summed from `uniform`, up to 32.
    """
    xp = array_namespace(mean)
    large = count_many(xp.clip(mean, 10.0, None), normal)
    small = xp.clip(mean, None, 10.0)
    probability = xp.exp(-small)
    below = probability
    count = xp.zeros_like(large)
    for k in range(1, 33):
        count = count + xp.astype(uniform >= below, xp.int64)
        probability = probability * small / k
        below = below + probability
    return xp.where(mean > 10.0, large, count)
