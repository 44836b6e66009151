"""One day of a campaign: spends build adstock, adstock earns and carries over. Pure and batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.advertising.channel.params import ChannelParams

SHARPNESS = 4.0  # logit per unit of action: shares may differ by a factor of e^8


class Tables(NamedTuple):
    """Constants per channel, (K,) each, and demand by weekday."""

    ceiling: Array
    saturation: Array
    carry: Array
    weekday: Array  # (7,) mean 1


class ResetNoise(NamedTuple):
    """Draws that start a campaign."""

    effects: Array  # (n, K) N(0, 1)
    dates: Array  # (n, 2) U[0, 1): first weekday, height of the season


class HiddenState(NamedTuple):
    """Market of n campaigns in the morning; the calendar in it is public, the rest is not."""

    day: Array  # (n,) int64
    first_weekday: Array  # (n,) int64
    peak: Array  # (n,) day of the season's height
    demand: Array  # (n,) of the day
    effect: Array  # (n, K) mean 1
    stock: Array  # (n, K) adstock carried over from yesterday, before today's spend


class Spend(NamedTuple):
    """Decision of a day, in days of income."""

    spend: Array  # (n, K)
    saved: Array  # (n,)


class Outcome(NamedTuple):
    """Result of one day, (n,) each but the last."""

    revenue: Array
    expected: Array  # revenue without its daily noise
    spend: Array  # days of income
    saved: Array  # days of income left in the account
    idle: Array  # days of income left over on the last day; 0 before
    channel_revenue: Array  # (n, K) revenue by channel


def start(noise: ResetNoise, params: ChannelParams, tables: Tables) -> HiddenState:
    """Draw hidden effects, the weekday and the season."""
    xp = array_namespace(noise.effects)
    sd = params.effect_sd
    effect = xp.exp(noise.effects * sd - sd * sd / 2)
    first = xp.astype(noise.dates[:, 0] * 7.0, xp.int64)
    share = params.peak_low + (params.peak_high - params.peak_low) * noise.dates[:, 1]
    day, peak = xp.zeros_like(first), share * params.days
    today = demand(day, first, peak, params, tables)
    return HiddenState(day, first, peak, today, effect, xp.zeros_like(effect))


def demand(day: Array, first_weekday: Array, peak: Array, params: ChannelParams, tables: Tables) -> Array:
    """Return the (n,) demand of a day: weekday x season, both known."""
    xp = array_namespace(peak)
    away = (xp.astype(day, xp.float32) - peak) / params.peak_width
    return tables.weekday[(first_weekday + day) % 7] * (1.0 + params.peak_height * xp.exp(-0.5 * away * away))


def split(action: Array) -> Array:
    """Return the (n, K + 1) shares of the account: a softmax; the last is saved."""
    xp = array_namespace(action)
    weight = xp.exp(action * SHARPNESS)
    return weight / xp.sum(weight, axis=1, keepdims=True)


def mean_revenue(stock: Array, day_demand: Array, tables: Tables) -> Array:
    """Return the (n, K) revenue of a day by (n, K) adstock where every effect is 1 and nothing random."""
    xp = array_namespace(stock)
    saturated = tables.ceiling * (1.0 - xp.exp(-stock / tables.saturation))
    return saturated * day_demand[:, None]


def step(
    state: HiddenState, decision: Spend, noise: Array, params: ChannelParams, tables: Tables
) -> tuple[HiddenState, Outcome]:
    """Earn what the spends of a day bring, and move on to the next; `noise` is (n, K) N(0, 1)."""
    xp = array_namespace(noise)
    stock = state.stock + decision.spend
    expected = mean_revenue(stock, state.demand, tables) * state.effect
    sd = params.noise_sd
    revenue = expected * xp.exp(noise * sd - sd * sd / 2)
    day = state.day + 1
    tomorrow = demand(day, state.first_weekday, state.peak, params, tables)
    after = state._replace(day=day, demand=tomorrow, stock=stock * tables.carry)
    last = xp.astype(day >= params.days, xp.float32)
    sums = (xp.sum(revenue, axis=1), xp.sum(expected, axis=1), xp.sum(decision.spend, axis=1))
    return after, Outcome(*sums, decision.saved, decision.saved * last, revenue)
