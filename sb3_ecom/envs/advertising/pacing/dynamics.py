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
from sb3_ecom.envs.advertising.pacing.market import MAX_VALUE_SCORE, SCORE_BINS, VALUE_BINS, MarketTables
from sb3_ecom.envs.advertising.pacing.params import PacingParams

MAX_LOG_MULTIPLIER = 3.0  # the log bid multiplier stays within +- this


class ResetNoise(NamedTuple):
    """Draws that start a day."""

    normals: Array  # (n, 6) N(0, 1): day traffic, day price, tick traffic, tick price, jitter, multiplier
    uniforms: Array  # (n, 3) U[0, 1): price regime, quality regime, budget
    quality: Array  # (n,) N(0, 1), behind the day's quality
    peak: Array  # (n,) U[0, 1), behind when it peaks


class StepNoise(NamedTuple):
    """Draws of one tick, whatever is bid; conversions have draws of their own."""

    count: Array  # (n,) N(0, 1) behind the number of auctions
    market: Array  # (n, 3) N(0, 1): traffic, price, price jitter
    switches: Array  # (n, 2) U[0, 1): price regime, quality regime
    auctions: Array  # (2, m) U[0, 1): price and value, m places for all copies
    conversion: Array  # (n,) N(0, 1), behind a large number of conversions
    conversion_rare: Array  # (n,) U[0, 1), behind a small one


class HiddenState(NamedTuple):
    """Market and account when a tick opens; tick and money are public, the rest is not."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros, still to spend
    day: Array  # (n, 2) log traffic and log price of the day
    campaign: Array  # (n, 3) log quality of the day; cosine and sine of how much later it peaks
    drift: Array  # (n, 3) AR(1) of log traffic, AR(1) of log price, price jitter
    regime: Array  # (n, 2) +1 or -1: price, quality
    pending: Array  # (n,) expected conversions that are still to arrive


class Outcome(NamedTuple):
    """Result of one tick, (n,) each; money in the price unit."""

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


def start(noise: ResetNoise, params: PacingParams, day_cost: float) -> HiddenState:
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
    late = (noise.peak - 0.5) * (2 * math.pi * params.peak_spread)
    level = noise.quality * params.quality_day_sd - params.quality_day_sd**2 / 2
    campaign = xp.stack([level, xp.cos(late), xp.sin(late)], -1)
    return HiddenState(xp.zeros_like(budget), budget, budget * 1, day, campaign, drift, regime, zero)


def start_multiplier(noise: ResetNoise, params: PacingParams) -> Array:
    """Return the (n,) log multipliers with which campaigns come from the day before."""
    xp = array_namespace(noise.normals)
    start = noise.normals[:, 5] * params.start_spread
    return xp.clip(start, -MAX_LOG_MULTIPLIER, MAX_LOG_MULTIPLIER)


def price_level(state: HiddenState, params: PacingParams, tables: MarketTables) -> Array:
    """Return the (n,) log price level of the tick."""
    hidden = state.day[:, 1] + state.drift[:, 1] + state.drift[:, 2]
    return tables.price[state.tick] + hidden + params.price_regime * state.regime[:, 0]


def relative_price_level(state: HiddenState, params: PacingParams, tables: MarketTables) -> Array:
    """Return the (n,) log price level over the median price: micros are as fine in any currency."""
    return price_level(state, params, tables) - math.log(params.price_median)


def day_swing(wave: Array, later: Array, cosine: Array, sine: Array) -> Array:
    """Return log quality by time of day: a wave shifted by its peak; shapes broadcast."""
    return wave * cosine - later * sine


def log_quality(state: HiddenState, params: PacingParams, tables: MarketTables) -> Array:
    """Return the (n,) log of the hidden conversion quality of the tick."""
    wave, later = tables.quality[state.tick], tables.quality_later[state.tick]
    swing = day_swing(wave, later, state.campaign[:, 1], state.campaign[:, 2])
    return swing + state.campaign[:, 0] + params.quality_regime * state.regime[:, 1]


def open_auctions(
    state: HiddenState, noise: StepNoise, params: PacingParams, tables: MarketTables
) -> AuctionBatch:
    """Return the auctions of the tick: they depend on the market alone, never on a bid."""
    xp = array_namespace(state.left)
    rate = xp.exp(tables.traffic[state.tick] + state.day[:, 0] + state.drift[:, 0])
    counts, bounds = lay_out(count_many(xp.clip(rate, 10.0, None), noise.count), noise.auctions.shape[1])
    m = int(bounds[-1])
    places = xp.astype(noise.auctions[:, :m] * float(SCORE_BINS), xp.int32)
    price, own = take_rows(tables.score, places[0]), take_rows(tables.score, places[1])
    rho = params.value_correlation
    middle = MAX_VALUE_SCORE * VALUE_BINS
    place = price * (rho * VALUE_BINS) + own * (math.sqrt(1 - rho * rho) * VALUE_BINS)
    place = xp.clip(place + (middle + 0.5), 0.0, 2 * middle)
    log_value = take_rows(tables.log_value, xp.astype(place, xp.int32))
    spread = params.price_spread
    return AuctionBatch(counts, bounds, price * spread - spread * spread / 2, log_value)  # mean price 1


def arriving(waiting: Array, params: PacingParams) -> Array:
    """Return how many of the conversions on their way are expected to arrive in a tick; shapes are free."""
    return waiting / (1.0 + params.delay)


def step(
    state: HiddenState, log_multiplier: Array, noise: StepNoise, params: PacingParams, tables: MarketTables
) -> tuple[HiddenState, Outcome]:
    """Bid exp(log_multiplier) x median price x predicted value through one tick."""
    batch = open_auctions(state, noise, params, tables)
    level = relative_price_level(state, params, tables)
    bought = buy(batch, log_multiplier, level, state.left, params.auction == "second")
    left = state.left - bought.spend
    outcome, pending = _settle(state, bought, batch, left, noise, params, tables)
    return next_market(state, noise, params)._replace(left=left, pending=pending), outcome


def next_market(state: HiddenState, noise: StepNoise, params: PacingParams) -> HiddenState:
    """Move time, drift and regimes by one tick; nothing is bought."""
    xp = array_namespace(state.left)
    parts = ((params.traffic_ar, params.traffic_ar_sd), (params.price_ar, params.price_ar_sd))
    drift = [
        state.drift[:, k] * ar + noise.market[:, k] * (sd * math.sqrt(1 - ar * ar))
        for k, (ar, sd) in enumerate(parts)
    ]
    drift.append(noise.market[:, 2] * params.price_jitter_sd)
    regime = xp.where(noise.switches < params.switch, -state.regime, state.regime)
    return state._replace(tick=state.tick + 1, drift=xp.stack(drift, -1), regime=regime)


def _settle(
    state: HiddenState,
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
    arrived = xp.where(last, waiting, arriving(waiting, params))
    conversions = count_any(arrived, noise.conversion, noise.conversion_rare)
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
    ), waiting - arrived
