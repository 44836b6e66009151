"""One tick of an auto-bidding campaign: several slots, cascade exposure, noisy values. Pure and batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS, buy_slots, open_auctions
from sb3_ecom.envs.advertising.auto_bidding.market import (
    TRAFFIC_BLOCK,
    VALUE_BLOCK,
    Tables,
)
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams

HISTORY = 12  # ticks that the observation remembers
FEATURES = 10  # floats per remembered tick
REACH = 1.5  # log multipliers of the target stay within +- this


class ResetNoise(NamedTuple):
    """What starts a day."""

    traffic: Array  # (n, blocks) U[0, 1)
    blocks: Array  # (n, blocks) U[0, 1)
    uniforms: Array  # (n, 3) U[0, 1): own factor, budget, target
    normals: Array  # (n, 5) N(0, 1): value spread, prediction noise, bias, price, multiplier


class StepNoise(NamedTuple):
    """What is for sale in one tick, whatever is bid."""

    spread: Array  # (n,) N(0, 1)
    auctions: Array  # (4, m) U[0, 1): own value, rivals, exposure and noise, conversion; of all copies


class State(NamedTuple):
    """A day in progress, when a tick opens."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros
    target: Array  # (n,) money per conversion
    log_multiplier: Array  # (n, 3) log of bid over target x predicted value, by slot
    counts: Array  # (n, ticks + 1) int64 auctions of every tick
    level: Array  # (n, ticks + 1) mean predicted value of every tick
    spread: Array  # (n,) sd over mean of predicted values
    noise: Array  # (n,) hidden sd of true over predicted value
    bias: Array  # (n,) hidden log factor of true over predicted value
    price: Array  # (n,) hidden log price level
    totals: Array  # (n, 3) conversions so far: counted, predicted, and (hidden) expected
    history: Array  # (n, >= HISTORY, FEATURES), newest last


class Outcome(NamedTuple):
    """What one tick brought, (n,) each."""

    conversions: Array  # counted
    expected: Array  # of the exposed impressions at their true rates
    predicted: Array  # likewise at the rates the bidder was told
    spend: Array  # money
    auctions: Array
    wins: Array
    exposed: Array
    used: Array  # share of the day's budget spent so far
    pace_error: Array  # |share of the budget spent - share of the mean day's traffic gone|
    cpa: Array  # money per conversion counted so far; the money before the first
    score: Array  # change of the day's score on expected conversions
    counted_score: Array  # change of the day's score on counted conversions
    final_score: Array  # the day's score on counted conversions, in its last tick; else 0
    day_spend: Array  # money of the day, in its last tick; else 0
    day_budget: Array  # likewise
    on_target: Array  # conversions that the spend would have bought on target


def score(conversions: Array, cost: Array, target: Array) -> Array:
    """Return conversions x min(1, (target x conversions / cost)^2)."""
    xp = array_namespace(conversions)
    share = target * conversions / xp.clip(cost, 1e-6, None)
    share = xp.clip(share, None, 1.0)
    return conversions * share * share


def start_day(noise: ResetNoise, params: AutoParams, tables: Tables) -> State:
    """Draw a campaign and its market."""
    xp = array_namespace(noise.uniforms)
    uniforms, normals = noise.uniforms, noise.normals
    ticks = params.ticks
    each = index_range(ticks + 1, uniforms)
    traffic = (0.6 + 0.8 * noise.traffic)[:, each // TRAFFIC_BLOCK] * tables.traffic
    traffic = traffic / xp.sum(traffic[:, :ticks], axis=1)[:, None]
    counts = xp.astype(traffic * params.auctions, xp.int64)
    block = 1.0 + params.block_spread * (2.0 * noise.blocks - 1.0)
    own = 1.0 + params.own_spread * (2.0 * uniforms[:, 0] - 1.0)
    level = block[:, each // VALUE_BLOCK] * own[:, None] * params.rate
    budget = params.budget_low + (params.budget_high - params.budget_low) * uniforms[:, 1]
    money = xp.astype(budget * MICROS, xp.int64)
    zero = budget * 0.0
    start = xp.clip(normals[:, 4] * params.start_spread, -REACH, REACH)
    return State(
        xp.zeros_like(money),
        money,
        money * 1,
        params.target_low + (params.target_high - params.target_low) * uniforms[:, 2],
        xp.stack([start] * SLOTS, axis=-1),
        counts,
        level,
        xp.clip(params.value_spread * (1.0 + 0.2 * normals[:, 0]), 0.05, None),
        xp.abs(params.prediction_noise * (1.0 + 0.4 * normals[:, 1])),
        normals[:, 2] * params.bias_sd,
        normals[:, 3] * params.price_day_sd,
        xp.stack([zero] * 3, axis=-1),
        xp.tile(zero[:, None, None], (1, max(HISTORY, ticks), FEATURES)),
    )


def step(
    state: State, log_multiplier: Array, noise: StepNoise, params: AutoParams, tables: Tables
) -> tuple[State, Outcome]:
    """Bid exp(log_multiplier), (n, 3) or (n, 1), x target x predicted value through one tick.

    The highest slot whose bid beats the rival's there is won; it pays that rival's bid if it is exposed.
    Auctions come in order; the first exposed one that the rest of the budget can not pay ends the tick.
    """
    xp = array_namespace(state.left)
    batch = open_auctions(state, noise, params, tables)
    tally = buy_slots(state, log_multiplier, batch, params, tables)
    conversions, expected, predicted = (
        xp.astype(part, xp.float32) / scale
        for part, scale in ((tally[0], 1.0), (tally[1], MICROS), (tally[2], MICROS))
    )
    totals = state.totals + xp.stack([conversions, predicted, expected], axis=-1)
    spend = tally[3]
    left = state.left - spend
    before, after = (xp.astype(state.budget - money, xp.float32) / MICROS for money in (state.left, left))
    gains = [
        score(totals[:, k], after, state.target) - score(state.totals[:, k], before, state.target)
        for k in (2, 0)
    ]
    last = xp.astype(state.tick + 1 >= params.ticks, xp.float32)
    budget = xp.astype(state.budget, xp.float32) / MICROS
    used = after / xp.clip(budget, 1e-9, None)
    outcome = Outcome(
        conversions,
        expected,
        predicted,
        xp.astype(spend, xp.float32) / MICROS,
        xp.astype(batch.counts, xp.float32),
        xp.astype(tally[4], xp.float32),
        xp.astype(tally[5], xp.float32),
        used,
        xp.abs(used - 1.0 + tables.traffic_left[state.tick + 1]),
        after / xp.clip(totals[:, 0], 1.0, None),
        gains[0],
        gains[1],
        score(totals[:, 0], after, state.target) * last,
        after * last,
        budget * last,
        xp.astype(spend, xp.float32) / (MICROS * state.target),
    )
    bids = log_multiplier + xp.zeros_like(state.log_multiplier)
    after_state = state._replace(
        tick=state.tick + 1,
        left=left,
        log_multiplier=bids * 1.0,
        totals=totals,
        history=_remember(state, bids, outcome, params, tables),
    )
    return after_state, outcome


def _remember(
    state: State, log_multiplier: Array, outcome: Outcome, params: AutoParams, tables: Tables
) -> Array:
    """Append what the bidder saw of the tick to the history."""
    xp = array_namespace(log_multiplier)
    budget = xp.clip(xp.astype(state.budget, xp.float32) / MICROS, 1e-6, None)
    level = xp.take_along_axis(state.level, state.tick[:, None], axis=1)[:, 0]
    auctions = xp.clip(outcome.auctions, 1.0, None)
    wanted = budget / (state.target * params.ticks)  # conversions of an even day on target
    row = [
        xp.ones_like(budget),
        *(log_multiplier[:, k] / REACH for k in range(SLOTS)),
        xp.log(auctions) - xp.log(tables.traffic[state.tick] * params.auctions),
        xp.log(level / params.rate),
        10.0 * outcome.wins / auctions,
        xp.log1p(outcome.spend * params.ticks / budget) / 2.0,
        xp.log1p(outcome.predicted / xp.clip(wanted, 1e-6, None)) / 2.0,
        xp.log1p(outcome.conversions / xp.clip(wanted, 1e-6, None)) / 2.0,
    ]
    return xp.concat([state.history[:, 1:], xp.clip(xp.stack(row, -1), -9.0, 9.0)[:, None, :]], axis=1)
