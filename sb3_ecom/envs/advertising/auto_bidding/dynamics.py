"""One tick of an auto-bidding campaign: several slots, cascade exposure, noisy values. Pure and batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.auction import AuctionBatch, BoughtSlots, buy_slots, open_auctions
from sb3_ecom.envs.advertising.auto_bidding.market import (
    TRAFFIC_BLOCK,
    VALUE_BLOCK,
    Tables,
)
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams
from sb3_ecom.envs.advertising.auto_bidding.state import HiddenState, ResetNoise, StepNoise

MAX_LOG_MULTIPLIER = 1.5  # log multipliers of the target stay within +- this


class Outcome(NamedTuple):
    """Result of one tick, (n,) each."""

    conversions: Array  # counted
    expected: Array  # of the exposed impressions at their true rates
    predicted: Array  # likewise at the predicted rates
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
    mean_value: Array  # mean predicted conversions of an auction


def score(conversions: Array, cost: Array, target: Array) -> Array:
    """Return conversions x min(1, (target x conversions / cost)^2)."""
    xp = array_namespace(conversions)
    share = target * conversions / xp.clip(cost, 1e-6, None)
    share = xp.clip(share, None, 1.0)
    return conversions * share * share


def start(noise: ResetNoise, params: AutoParams, tables: Tables) -> HiddenState:
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
    return HiddenState(
        xp.zeros_like(money),
        money,
        money * 1,
        params.target_low + (params.target_high - params.target_low) * uniforms[:, 2],
        counts,
        level,
        xp.clip(params.value_spread * (1.0 + 0.2 * normals[:, 0]), 0.05, None),
        xp.abs(params.prediction_noise * (1.0 + 0.4 * normals[:, 1])),
        normals[:, 2] * params.bias_sd,
        normals[:, 3] * params.price_day_sd,
        xp.stack([budget * 0.0] * 2, axis=-1),
    )


def start_multiplier(noise: ResetNoise, params: AutoParams) -> Array:
    """Return the (n,) log multipliers with which campaigns come from the day before."""
    xp = array_namespace(noise.normals)
    return xp.clip(noise.normals[:, 4] * params.start_spread, -MAX_LOG_MULTIPLIER, MAX_LOG_MULTIPLIER)


def step(
    state: HiddenState, log_multiplier: Array, noise: StepNoise, params: AutoParams, tables: Tables
) -> tuple[HiddenState, Outcome]:
    """Bid exp(log_multiplier), (n, 3) or (n, 1), x target x predicted value through one tick.

    The highest slot whose bid beats the rival's there is won; it pays that rival's bid if it is exposed.
    Auctions come in order; the first exposed one that the rest of the budget can not pay ends the tick.
    """
    xp = array_namespace(state.left)
    batch = open_auctions(state, noise, params, tables)
    bought = buy_slots(state, log_multiplier, batch, params, tables)
    conversions = xp.astype(bought.conversions, xp.float32)
    expected = xp.astype(bought.expected, xp.float32) / MICROS
    totals = state.totals + xp.stack([conversions, expected], axis=-1)
    after = state._replace(tick=state.tick + 1, left=state.left - bought.spend, totals=totals)
    return after, _outcome(state, after, bought, batch, params, tables)


def _outcome(
    state: HiddenState,
    after: HiddenState,
    bought: BoughtSlots,
    batch: AuctionBatch,
    params: AutoParams,
    tables: Tables,
) -> Outcome:
    """Add up the tick and the day so far."""
    xp = array_namespace(state.left)
    cost_before, cost = (xp.astype(state.budget - each.left, xp.float32) / MICROS for each in (state, after))
    counted_score, expected_score = (score(after.totals[:, k], cost, state.target) for k in range(2))
    counted_before, expected_before = (score(state.totals[:, k], cost_before, state.target) for k in range(2))
    last = xp.astype(after.tick >= params.ticks, xp.float32)
    budget = xp.astype(state.budget, xp.float32) / MICROS
    spend = xp.astype(bought.spend, xp.float32)
    used = cost / xp.clip(budget, 1e-9, None)
    return Outcome(
        conversions=xp.astype(bought.conversions, xp.float32),
        expected=xp.astype(bought.expected, xp.float32) / MICROS,
        predicted=xp.astype(bought.predicted, xp.float32) / MICROS,
        spend=spend / MICROS,
        auctions=xp.astype(batch.counts, xp.float32),
        wins=xp.astype(bought.wins, xp.float32),
        exposed=xp.astype(bought.exposed, xp.float32),
        used=used,
        pace_error=xp.abs(used - 1.0 + tables.traffic_left[after.tick]),
        cpa=cost / xp.clip(after.totals[:, 0], 1.0, None),
        score=expected_score - expected_before,
        counted_score=counted_score - counted_before,
        final_score=counted_score * last,
        day_spend=cost * last,
        day_budget=budget * last,
        on_target=spend / (MICROS * state.target),
        mean_value=batch.mean_value,
    )
