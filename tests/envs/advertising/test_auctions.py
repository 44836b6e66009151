"""The auction: exact, in whole micros, and money is conserved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sb3_ecom.envs.advertising.auctions import (
    MICROS,
    UNLIMITED,
    AuctionBatch,
    buy,
    count_any,
    count_many,
    lay_out,
)


def auction_by_hand(prices, values, bid, budget, second):
    """One copy, one auction after the other."""
    spend = value = wins = 0
    for price, worth in zip(prices, values, strict=True):
        offer = bid + worth
        if not offer > price:
            continue
        cost = int(np.float32(np.exp(np.float32(price if second else offer))) * np.float32(MICROS))
        if spend + cost > budget:
            break
        spend, wins = spend + cost, wins + 1
        value += int(np.float32(np.exp(np.float32(worth))) * np.float32(MICROS))
    return wins, spend, value


@st.composite
def markets(draw):
    counts = np.array(draw(st.lists(st.integers(0, 12), min_size=1, max_size=5)))
    seed = draw(st.integers(0, 2**32 - 1))
    ties = draw(st.booleans())
    g = np.random.default_rng(seed)
    m = int(counts.sum())
    noise, value = (g.normal(size=m).astype(np.float32) for _ in range(2))
    if ties:  # whole numbers meet often
        noise, value = np.round(noise), np.round(value)
    budgets = draw(st.lists(st.sampled_from([0, 1, MICROS, 3 * MICROS, UNLIMITED]), min_size=5, max_size=5))
    bid = np.round(g.normal(size=counts.size)).astype(np.float32)
    level = np.round(g.normal(size=counts.size)).astype(np.float32)
    return counts, noise, value, bid, level, np.array(budgets[: counts.size])


@settings(max_examples=300, deadline=None)
@given(markets(), st.booleans())
def test_batch_equals_one_auction_after_the_other_and_conserves_money(market, second):
    counts, noise, value, bid, level, budget = market
    counts, bounds = lay_out(counts, 10_000)
    got = buy(AuctionBatch(counts, bounds, noise, value), bid, level, budget, second)
    for i in range(counts.size):
        part = slice(bounds[i], bounds[i + 1])
        # The batch compares value - noise with level - bid; whole levels and bids make that exact enough.
        prices = (level[i] + noise[part]).astype(np.float32)
        margin = (value[part] - noise[part]) - (level[i] - bid[i])
        if np.any(np.abs(margin) < 1e-5) and not np.all(noise == np.round(noise)):
            continue
        wins, spend, worth = auction_by_hand(prices, value[part], bid[i], budget[i], second)
        assert got.wins[i] == wins
        assert abs(got.spend[i] - spend) <= 8 * wins * (1 + 1e-6 * spend)
        assert abs(got.value[i] - worth) <= 8 * wins
    assert np.all(got.spend <= budget)
    assert np.all(got.spend >= 0)
    assert np.all((got.wins > 0) | ((got.spend == 0) & (got.value == 0)))
    assert np.all(got.wins <= counts)


@settings(max_examples=100, deadline=None)
@given(markets())
def test_second_price_never_costs_more_than_the_bids(market):
    counts, noise, value, bid, level, _ = market
    counts, bounds = lay_out(counts, 10_000)
    batch, free = AuctionBatch(counts, bounds, noise, value), np.full(counts.size, UNLIMITED)
    second, first = (buy(batch, bid, level, free, rule) for rule in (True, False))
    assert np.all(second.spend <= first.spend)
    np.testing.assert_array_equal(second.wins, first.wins)
    np.testing.assert_array_equal(second.value, first.value)


@settings(max_examples=100, deadline=None)
@given(markets(), st.booleans())
def test_other_copies_do_not_matter(market, second):
    counts, noise, value, bid, level, budget = market
    counts, bounds = lay_out(counts, 10_000)
    together = buy(AuctionBatch(counts, bounds, noise, value), bid, level, budget, second)
    for i in range(counts.size):
        part, one = slice(bounds[i], bounds[i + 1]), slice(i, i + 1)
        batch = AuctionBatch(counts[one], np.array([0, counts[i]]), noise[part], value[part])
        alone = buy(batch, bid[one], level[one], budget[one], second)
        assert (alone.wins[0], alone.spend[0], alone.value[0]) == tuple(field[i] for field in together)


def test_ties_lose_and_empty_ticks_cost_nothing():
    zero = np.zeros(1, np.float32)
    batch = AuctionBatch(np.array([2]), np.array([0, 2]), np.zeros(2, np.float32), np.zeros(2, np.float32))
    assert buy(batch, zero, zero, np.array([UNLIMITED]), True).wins[0] == 0
    nobody = AuctionBatch(np.array([0]), np.array([0, 0]), zero[:0], zero[:0])
    assert buy(nobody, zero + 9, zero, np.array([UNLIMITED]), True).spend[0] == 0


def test_layout_never_leaves_its_places():
    counts, bounds = lay_out(np.array([5, 7, 3]), 10)
    np.testing.assert_array_equal(counts, [5, 5, 0])
    np.testing.assert_array_equal(bounds, [0, 5, 10, 10])


@pytest.mark.parametrize("mean", [0.0, 0.3, 5.0, 9.9, 10.1, 30.0, 150.0])
def test_counts_are_poisson(mean):
    g, n = np.random.default_rng(3), 400_000
    means = np.full(n, mean, np.float32)
    counts = count_any(means, g.standard_normal(n, dtype=np.float32), g.random(n, dtype=np.float32))
    bins = np.arange(int(mean + 8 * np.sqrt(mean) + 10))
    exact = stats.poisson.pmf(bins, mean)
    seen = np.bincount(counts, minlength=bins.size)[: bins.size] / n
    noise = 0.5 * np.sum(np.sqrt(2 / np.pi * exact * (1 - exact) / n))  # mean distance of a true sample
    assert 0.5 * np.abs(seen - exact).sum() < noise + 2e-3


def test_more_luck_means_more_conversions():
    normal = np.linspace(-4, 4, 2001).astype(np.float32)
    assert np.all(np.diff(count_many(np.full(2001, 40, np.float32), normal)) >= 0)
