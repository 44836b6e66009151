"""One period of a season: visitors choose, stocks fall, demand drifts. Pure and batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.poisson import poisson_counts
from sb3_ecom.envs.pricing.demand import attraction, waiting_attraction
from sb3_ecom.envs.pricing.season.params import SeasonParams


class Tables(NamedTuple):
    """Constants per product, (K,) each."""

    price: Array  # reference prices, money
    appeal: Array
    stock: Array  # units when the season opens
    each: Array  # ones, to add up products


class Law(NamedTuple):
    """Law of the hidden logs of demand level and of price sensitivity over its median, (2,) each."""

    sd: Array  # when a season opens
    drift: Array  # sd of the step per period
    limit: Array  # largest absolute value


class StepNoise(NamedTuple):
    """Draws of a period."""

    uniform: Array  # (n, K) U[0, 1), for demand
    normal: Array  # (n, K) N(0, 1), for demand
    drift: Array  # (n, 2) N(0, 1), steps of log level and log sensitivity


class HiddenState(NamedTuple):
    """Shop and customers at the start of a period; stocks and prices in it are public, the rest is not."""

    period: Array  # (n,) float32
    stock: Array  # (n, K) whole units
    logs: Array  # (n, 2) logs of the demand level and of the price sensitivity over its median
    waiting: Array | None  # (n,) mean number who wait for a lower price; None: nobody does
    lowest: Array | None  # (n, K) lowest price factor so far, `cap` at first; None: nobody waits


class Outcome(NamedTuple):
    """Result of a period; money and units by product, (n, K), but for the last four."""

    factor: Array  # price over reference price
    demand: Array  # units asked for; hidden
    sales: Array  # units
    left: Array  # units in stock at the end
    revenue: Array  # (n,) money
    salvage: Array  # (n,) money for what is left when the season ends; 0 before
    unmet: Array  # (n,) money that demand beyond the stock would have paid
    units_left: Array  # (n,) of all products


def start(noise: Array, params: SeasonParams, tables: Tables, law: Law) -> HiddenState:
    """Return n seasons that open; `noise` is (n, 2) N(0, 1), for the hidden logs."""
    logs = _limit(noise * law.sd, law)
    none = noise[:, 0] * 0.0
    stock = none[:, None] + tables.stock
    waits = params.waiting > 0
    lowest = stock * 0.0 + params.cap if waits else None
    return HiddenState(none * 1.0, stock, logs, none if waits else None, lowest)


def step(
    state: HiddenState, factor: Array, noise: StepNoise, params: SeasonParams, tables: Tables, law: Law
) -> tuple[HiddenState, Outcome]:
    """Sell for a period at the (n, K) price factors."""
    xp = array_namespace(factor)
    mean, waiting, lowest = expected_demand(state, factor, params, tables)
    demand = poisson_counts(mean, noise.uniform, noise.normal)
    sales = xp.minimum(demand, state.stock)
    left = state.stock - sales
    price = factor * tables.price
    period = state.period + 1.0
    outcome = Outcome(
        factor * 1.0,
        demand,
        sales,
        left,
        revenue=(price * sales) @ tables.each,
        salvage=_salvage(left, period, params, tables),
        unmet=(price * (demand - sales)) @ tables.each,
        units_left=left @ tables.each,
    )
    logs = _limit(state.logs + noise.drift * law.drift, law)
    return HiddenState(period, left * 1.0, logs, waiting, lowest), outcome


def expected_demand(
    state: HiddenState, factor: Array, params: SeasonParams, tables: Tables
) -> tuple[Array, Array | None, Array | None]:
    """Return the (n, K) mean units asked for, who waits afterwards, and the lowest prices then.

    A product without stock is not on offer. Who waits comes back in the next period.
    """
    xp = array_namespace(factor)
    hidden = xp.exp(state.logs)
    sensitivity = params.sensitivity * hidden[:, 1:]
    visitors = params.visitors * hidden[:, 0]
    offered = attraction(factor, sensitivity, tables.appeal) * (state.stock > 0)
    everything = 1.0 + offered @ tables.each
    if state.waiting is None or state.lowest is None:
        return offered * (visitors / everything)[:, None], None, None
    waits = waiting_attraction(state.lowest, sensitivity, tables.appeal, params.waiting)[:, 0]
    share = (visitors + state.waiting) / (everything + waits)
    return offered * share[:, None], waits * share, xp.minimum(state.lowest, factor)


def _salvage(left: Array, period: Array, params: SeasonParams, tables: Tables) -> Array:
    """Return the (n,) money for what is left after the last period; 0 before."""
    if not params.salvage:
        return period * 0.0
    xp = array_namespace(left)
    over = xp.astype(period >= params.periods, xp.float32)
    return over * ((left * tables.price) @ tables.each) * params.salvage


def _limit(logs: Array, law: Law) -> Array:
    """Return the hidden logs, cut to their limits."""
    xp = array_namespace(logs)
    return xp.minimum(xp.maximum(logs, -law.limit), law.limit)
