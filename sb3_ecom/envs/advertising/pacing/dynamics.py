"""One tick of a paced campaign: market, auctions, conversions. Pure, batched, any array namespace."""

from __future__ import annotations

import math
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, take_rows
from sb3_ecom.envs.advertising.auctions import (
    MICROS,
    AuctionBatch,
    Bought,
    buy,
    count_any,
    count_many,
    lay_out,
)
from sb3_ecom.envs.advertising.pacing.market import SCORE_BINS, VALUE_BINS, VALUE_REACH, MarketTables
from sb3_ecom.envs.advertising.pacing.params import PacingParams

HISTORY = 12  # ticks that the observation remembers
FEATURES = 8  # floats per remembered tick
REACH = 3.0  # the log bid multiplier stays within +- this


class ResetNoise(NamedTuple):
    """What starts a day."""

    normals: Array  # (n, 6) N(0, 1): day traffic, day price, tick traffic, tick price, jitter, multiplier
    uniforms: Array  # (n, 3) U[0, 1): price regime, quality regime, budget
    quality: Array  # (n,) N(0, 1), behind the day's quality
    peak: Array  # (n,) U[0, 1), behind when it peaks


class StepNoise(NamedTuple):
    """What happens in one tick, whatever is bid; conversions have draws of their own."""

    count: Array  # (n,) N(0, 1) behind the number of auctions
    market: Array  # (n, 3) N(0, 1): traffic, price, price jitter
    switches: Array  # (n, 2) U[0, 1): price regime, quality regime
    auctions: Array  # (2, m) U[0, 1): price and value, m places for all copies
    conversion: Array  # (n,) N(0, 1), behind a large number of conversions
    conversion_rare: Array  # (n,) U[0, 1), behind a small one


class State(NamedTuple):
    """A day in progress, when a tick opens."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros, still to spend
    log_multiplier: Array  # (n,) log bid per unit of predicted value, relative to the median price
    day: Array  # (n, 2) hidden: log traffic and log price of the day
    taste: Array  # (n, 3) hidden: log quality of the day; cosine and sine of how much later it peaks
    drift: Array  # (n, 3) hidden: AR(1) of log traffic, AR(1) of log price, price jitter
    regime: Array  # (n, 2) hidden, +1 or -1: price, quality
    pending: Array  # (n,) hidden: expected conversions that are still to arrive
    history: Array  # (n, >= HISTORY, FEATURES) all ticks of the day, newest last


class Outcome(NamedTuple):
    """What one tick brought, (n,) each; money in the price unit."""

    conversions: Array  # that arrived
    expected: Array  # conversions bought in expectation, at the true quality
    value: Array  # predicted value bought
    spend: Array  # money
    auctions: Array  # offered
    wins: Array  # won and paid
    used: Array  # share of the day's budget spent so far
    pace_error: Array  # |share of the budget spent - share of the mean day's traffic gone|
    day_spend: Array  # money spent over the day, in its last tick; else 0
    day_budget: Array  # budget of the day, in its last tick; else 0


def start_day(noise: ResetNoise, params: PacingParams, tables: MarketTables, day_cost: float) -> State:
    """Draw a budget and the hidden state of the market."""
    xp = array_namespace(noise.uniforms)
    normals, uniforms = noise.normals, noise.uniforms
    share = params.budget_low + (params.budget_high - params.budget_low) * uniforms[:, 2]
    budget = xp.astype(share * (day_cost * MICROS), xp.int64)
    traffic = normals[:, 0] * params.traffic_day_sd - params.traffic_day_sd**2 / 2
    day = xp.stack([traffic, normals[:, 1] * params.price_day_sd], -1)
    parts = (params.traffic_ar_sd, params.price_ar_sd, params.price_jitter_sd)
    drift = xp.stack([normals[:, 2 + k] * sd for k, sd in enumerate(parts)], -1)
    ones = xp.ones_like(uniforms[:, :2])
    regime = xp.where(uniforms[:, :2] < 0.5, ones, -ones)
    zero = xp.zeros_like(share)
    history = xp.tile(zero[:, None, None], (1, max(HISTORY, params.ticks), FEATURES))
    start = xp.clip(normals[:, 5] * params.start_spread, -REACH, REACH)
    late = (noise.peak - 0.5) * (2 * math.pi * params.peak_spread)
    level = noise.quality * params.quality_day_sd - params.quality_day_sd**2 / 2
    taste = xp.stack([level, xp.cos(late), xp.sin(late)], -1)
    return State(xp.zeros_like(budget), budget, budget * 1, start, day, taste, drift, regime, zero, history)


def price_level(state: State, params: PacingParams, tables: MarketTables) -> Array:
    """Return the (n,) log price level of the tick."""
    hidden = state.day[:, 1] + state.drift[:, 1] + state.drift[:, 2]
    return tables.price[state.tick] + hidden + params.price_regime * state.regime[:, 0]


def log_quality(state: State, params: PacingParams, tables: MarketTables) -> Array:
    """Return the (n,) log of the hidden conversion quality of the tick."""
    swing = tables.quality[state.tick] * state.taste[:, 1]
    swing = swing - tables.quality_later[state.tick] * state.taste[:, 2]
    return swing + state.taste[:, 0] + params.quality_regime * state.regime[:, 1]


def open_auctions(state: State, noise: StepNoise, params: PacingParams, tables: MarketTables) -> AuctionBatch:
    """Return the auctions of the tick: they depend on the market alone, never on a bid."""
    xp = array_namespace(state.left)
    rate = xp.exp(tables.traffic[state.tick] + state.day[:, 0] + state.drift[:, 0])
    counts, bounds = lay_out(count_many(xp.clip(rate, 10.0, None), noise.count), noise.auctions.shape[1])
    m = int(bounds[-1])
    places = xp.astype(noise.auctions[:, :m] * float(SCORE_BINS), xp.int32)
    price, own = take_rows(tables.score, places[0]), take_rows(tables.score, places[1])
    rho = params.value_correlation
    middle = VALUE_REACH * VALUE_BINS
    place = price * (rho * VALUE_BINS) + own * (math.sqrt(1 - rho * rho) * VALUE_BINS)
    place = xp.clip(place + (middle + 0.5), 0.0, 2 * middle)
    log_value = take_rows(tables.log_value, xp.astype(place, xp.int32))
    spread = params.price_spread
    return AuctionBatch(counts, bounds, price * spread - spread * spread / 2, log_value)  # mean price 1


def step(
    state: State, log_multiplier: Array, noise: StepNoise, params: PacingParams, tables: MarketTables
) -> tuple[State, Outcome]:
    """Bid exp(log_multiplier) x median price x predicted value through one tick."""
    batch = open_auctions(state, noise, params, tables)
    level = price_level(state, params, tables) - math.log(params.price_median)
    # Prices relative to the median, so that micros are as fine in any currency.
    bought = buy(batch, log_multiplier, level, state.left, params.auction == "second")
    left = state.left - bought.spend
    outcome, pending = _settle(state, bought, batch, left, noise, params, tables)
    history = _remember(state, log_multiplier, outcome, params, tables)
    drift, regime = _evolve(state, noise, params)
    stay = (state.tick + 1, state.budget * 1, left, log_multiplier * 1.0, state.day * 1.0, state.taste * 1.0)
    return State(*stay, drift, regime, pending, history), outcome


def _settle(
    state: State,
    bought: Bought,
    batch: AuctionBatch,
    left: Array,
    noise: StepNoise,
    params: PacingParams,
    tables: MarketTables,
) -> tuple[Outcome, Array]:
    """Turn wins into conversions: thinning keeps delayed Poisson counts Poisson and independent."""
    xp = array_namespace(left)
    value = xp.astype(bought.value, xp.float32) / MICROS
    expected = value * params.conversion_rate * xp.exp(log_quality(state, params, tables))
    waiting = state.pending + expected
    last = state.tick + 1 >= params.ticks
    arriving = xp.where(last, waiting, waiting / (1.0 + params.delay))
    conversions = count_any(arriving, noise.conversion, noise.conversion_rare)
    money = params.price_median / MICROS
    budget = xp.astype(state.budget, xp.float32) * money
    spent = xp.astype(state.budget - left, xp.float32) * money
    used = spent / xp.clip(budget, 1e-9, None)
    pace = xp.abs(used - 1.0 + tables.traffic_left[state.tick + 1])
    ending = xp.astype(last, xp.float32)
    return Outcome(
        xp.astype(conversions, xp.float32),
        expected,
        value,
        xp.astype(bought.spend, xp.float32) * money,
        xp.astype(batch.counts, xp.float32),
        xp.astype(bought.wins, xp.float32),
        used,
        pace,
        spent * ending,
        budget * ending,
    ), waiting - arriving


def _remember(
    state: State, log_multiplier: Array, outcome: Outcome, params: PacingParams, tables: MarketTables
) -> Array:
    """Append what the bidder saw of the tick to the history."""
    xp = array_namespace(log_multiplier)
    paid = outcome.spend / (xp.clip(outcome.wins, 1.0, None) * params.price_median)
    share = outcome.spend * (params.ticks * MICROS / params.price_median)
    share = share / xp.clip(xp.astype(state.budget, xp.float32), 1.0, None)
    row = (
        xp.ones_like(paid),
        log_multiplier / REACH,
        xp.log(xp.clip(outcome.auctions, 0.5, None)) - tables.traffic[state.tick],
        outcome.wins / xp.clip(outcome.auctions, 1.0, None),
        xp.log1p(share) / 2.0,
        xp.where(outcome.wins > 0, xp.log(xp.clip(paid, 1e-6, None)), xp.zeros_like(paid)) / 2.0,
        xp.sqrt(outcome.conversions) / 5.0,
        xp.sqrt(outcome.value * params.conversion_rate) / 5.0,
    )
    return xp.concat([state.history[:, 1:], xp.stack(row, -1)[:, None, :]], axis=1)


def _evolve(state: State, noise: StepNoise, params: PacingParams) -> tuple[Array, Array]:
    """Move the hidden drift and the hidden regimes by one tick."""
    xp = array_namespace(state.left)
    parts = ((params.traffic_ar, params.traffic_ar_sd), (params.price_ar, params.price_ar_sd))
    drift = [
        state.drift[:, k] * ar + noise.market[:, k] * (sd * math.sqrt(1 - ar * ar))
        for k, (ar, sd) in enumerate(parts)
    ]
    drift.append(noise.market[:, 2] * params.price_jitter_sd)
    regime = xp.where(noise.switches < params.switch, -state.regime, state.regime)
    return xp.stack(drift, -1), regime
