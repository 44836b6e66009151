"""Order, sell what is on the shelf, receive what fits: a day in a web shop's warehouse."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.core.tracker import TaskTables
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.shop.demand_params import YEAR, drift_factor, next_drift
from sb3_ecom.envs.inventory.shop.params import ShopParams
from sb3_ecom.envs.inventory.shop.promotions import (
    IDLE,
    PromotionNoise,
    Promotions,
    advance,
    lift,
    substitute,
    trucks,
)
from sb3_ecom.envs.inventory.shop.rate_estimates import calendar_factor

_TERMS = 16  # of the Poisson sum; means beyond `_LARGE` take the normal expansion
_LARGE = 5.0
_START_DAYS = 10.0  # days of mean demand on the shelf at the start


class State(NamedTuple):
    """Warehouse and customers when a day opens; drift and uplift are hidden from the shop."""

    weekday: Array  # (n,) float32, 0 = Monday
    day: Array  # (n,) float32 day of the year
    drift: Array  # (n, N) log rate z
    on_hand: Array  # (n, N) whole units
    pipeline: Array  # (n, N, max_lead_time) units on order; column 0 arrives at the end of this day
    promotions: Promotions | None  # where the shop has any


class ResetNoise(NamedTuple):
    """Draws with which an episode opens."""

    date: Array  # (n, 2) U[0, 1): weekday and day of the year
    drift: Array  # (n, N) N(0, 1): rates


class Noise(NamedTuple):
    """Draws of a day."""

    gamma: Array  # (n, N) Gamma(shape, 1)
    uniform: Array  # (n, N) U[0, 1), for small Poisson means
    normal: Array  # (n, N) N(0, 1), for large Poisson means
    drift: Array  # (n, N) N(0, 1)
    lead_time: Array  # (n, N) days, float32 whole, of an order placed today
    switch: Array | None = None  # (n, N) U[0, 1), rounds the customers who take a substitute
    promotion: PromotionNoise | None = None


class Outcome(NamedTuple):
    """Orders, sales and deliveries of a day."""

    order: Array  # (n, N) units
    demand: Array  # (n, N) units; hidden from the agent
    sales: Array  # (n, N) units, to customers of the substitute too
    lost: Array  # (n, N) units of demand that found neither the item nor its substitute
    stock_out: Array  # (n, N) bool: the shelf was empty in the evening, before deliveries
    delivered: Array  # (n, N) units that the supplier brought
    received: Array  # (n, N) of these, units that found room
    refused: Array  # (n, N) units that found none
    left: Array  # (n, N) units at the end of the day
    trucks: Array  # (n,) that left today


def start(noise: ResetNoise, params: ShopParams, tables: TaskTables) -> State:
    """Return any date with a week and a half of mean demand on the shelf, nothing under way."""
    xp = array_namespace(noise.date)
    drift = noise.drift * params.demand.drift_sd
    none = xp.zeros_like(drift)
    return State(
        weekday=xp.floor(noise.date[:, 0] * 7),
        day=xp.floor(noise.date[:, 1] * YEAR),
        drift=drift,
        on_hand=none + xp.ceil(tables.public.mean * _START_DAYS),
        pipeline=none[:, :, None] + tables.hidden.lane,
        promotions=Promotions(none + IDLE, none + 1.0) if params.promotion_rate else None,
    )


def step(
    state: State, order: Array, noise: Noise, params: ShopParams, tables: TaskTables
) -> tuple[State, Outcome]:
    """Let a day pass; `order` is (n, N) float32 whole units."""
    xp = array_namespace(state.on_hand)
    demand = draw_demand(state, noise, params, tables)
    sales = xp.minimum(demand, state.on_hand)
    left, lost = state.on_hand - sales, demand - sales
    if noise.switch is not None:
        taken, replaced = substitute(lost, left, noise.switch, params.substitution, tables.hidden.partner)
        sales, left, lost = sales + taken, left - taken, lost - replaced
    delivered, pipeline = _place(xp, state.pipeline, order, noise.lead_time)
    accepted = _fit_in(xp, left, delivered, params.capacity, tables.public.each)
    on_hand = left + accepted
    outcome = Outcome(
        order,
        demand,
        sales,
        lost,
        stock_out=left <= 0,
        delivered=delivered,
        received=accepted,
        refused=delivered - accepted,
        left=on_hand * 1.0,
        trucks=trucks(order @ tables.public.each, params.truck_units),
    )
    promotions = state.promotions
    if promotions is not None and noise.promotion is not None:
        promotions = advance(promotions, noise.promotion, params)
    weekday, day = state.weekday + 1.0, state.day + 1.0
    return State(
        weekday - 7.0 * xp.astype(weekday >= 7.0, xp.float32),
        day - 365.0 * xp.astype(day >= 365.0, xp.float32),
        next_drift(state.drift, noise.drift, params.demand),
        on_hand,
        pipeline,
        promotions,
    ), outcome


def draw_demand(state: State, noise: Noise, params: ShopParams, tables: TaskTables) -> Array:
    """Return Poisson(Gamma) demand, (n, N): the mean is `mean` x calendar x promotion x exp(drift)."""
    xp, public = array_namespace(state.drift), tables.public
    factor = calendar_factor(public.calendar, state.weekday, state.day)
    if state.promotions is not None:
        factor = factor * lift(*state.promotions)
    rate = factor * public.mean * drift_factor(state.drift, params.demand)
    return to_poisson(xp, rate * noise.gamma / public.shape, noise.uniform, noise.normal)


def to_poisson(xp: Any, mean: Array, uniform: Array, normal: Array) -> Array:
    """Return Poisson(mean) from U[0, 1) by inversion where the mean is small, from N(0, 1) where it is large.

    The expansion for large means matches the first three moments (Cornish-Fisher).
    """
    small = xp.clip(mean, None, _LARGE)
    term = xp.exp(-small)
    total = term
    count = xp.astype(uniform >= total, xp.float32)
    for k in range(1, _TERMS):
        term = term * small * (1.0 / k)
        total = total + term
        count = count + xp.astype(uniform >= total, xp.float32)
    root = xp.sqrt(mean)
    large = positive(xp.floor(mean + root * normal + (normal * normal - 1.0) * (1.0 / 6.0) + 0.5))
    return xp.where(mean < _LARGE, count, large)


def _place(xp: Any, pipeline: Array, order: Array, lead_time: Array) -> tuple[Array, Array]:
    """Return what arrives today, (n, N), and the pipeline of tomorrow with today's orders in it."""
    today = lead_time <= 1.0
    arriving = pipeline[:, :, 0] + order * today
    following = xp.concat([pipeline[:, :, 1:], xp.zeros_like(pipeline[:, :, :1])], axis=2)
    slots = xp.reshape(following, (-1,))
    column = xp.reshape(xp.astype(positive(lead_time - 2.0), xp.int64), (-1,))
    # One slot of each (copy, item): a scatter into the fresh array, where a comparison with every column
    # of the pipeline would write it three times.
    index = index_range(column.shape[0], column) * pipeline.shape[2] + column
    slots[index] = slots[index] + xp.reshape(order * ~today, (-1,))
    return arriving, xp.reshape(slots, following.shape)


def _fit_in(xp: Any, left: Array, delivered: Array, capacity: float, each: Array) -> Array:
    """Return the units that find room: pro rata where not all do; `each` is (N,) ones."""
    room = positive(capacity - left @ each)
    wanted = delivered @ each
    share = xp.clip(room / xp.clip(wanted, 1.0, None), None, 1.0)
    return xp.floor(delivered * share[:, None])
