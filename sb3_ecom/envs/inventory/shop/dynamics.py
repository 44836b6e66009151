"""Order, sell what is on the shelf, receive what fits: a day in a web shop's warehouse."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.shop.promotions import (
    Options,
    PromotionNoise,
    Promotions,
    advance,
    lift,
    substitute,
    trucks,
)

_TERMS = 16  # of the Poisson sum; means beyond `_LARGE` take the normal expansion
_LARGE = 5.0


class ShopTables(NamedTuple):
    """Constant arrays of N items; float32."""

    mean: Array  # (N,) units/day
    shape: Array  # (N,) gamma shape of a day's rate
    margin: Array  # (N,) money/unit sold, in units of the shop's mean daily margin
    lost: Array  # (N,) money/unit lost
    holding: Array  # (N,) money/unit/day
    overflow: Array  # (N,) money/unit that found no room
    calendar: Array  # (7, 365) factor of a weekday and day of the year
    ahead: Array  # (7, 365) sum of the factors of the days that an order placed then must cover
    line: Array  # () money/order line
    by_item: Array  # (4, N, N) diagonal matrices of margin, lost, holding, overflow
    each: Array  # (N,) ones: `@` adds up items several times faster than `sum`
    lane: Array  # (N, max_lead_time) nothing under way
    lead_time: Array  # (max_lead_time - 1,) cumulative distribution over 1, 2, ...
    week: Array  # (7,) 0 .. 6
    blank: Array  # (days, 1 + 2N) a history in which nothing happened
    partner: Array  # (N,) int64, the item that customers take instead
    dispatch: Array  # (7,) 1 on weekdays on which orders leave, else 0
    truck: Array  # () money/truck


class State(NamedTuple):
    """When a day opens."""

    weekday: Array  # (n,) float32, 0 = Monday
    day: Array  # (n,) float32 day of the year
    drift: Array  # (n, N) hidden log rate z
    stock: Array  # (n, N) whole units
    pipeline: Array  # (n, N, max_lead_time) units; column 0 arrives at the end of this day
    under_way: Array  # (n, N) units in the pipeline
    sold: Array  # (n, N) units sold, old days discounted
    exposure: Array  # (n, N) units that a usual item would have sold in the same days on the shelf
    history: Array  # (n, days, 1 + 2N) valid, log(1 + sales / mean), shelf was empty
    promotions: Promotions | None  # where the shop has any


class Noise(NamedTuple):
    """What chance decides in a day."""

    gamma: Array  # (n, N) Gamma(shape, 1)
    uniform: Array  # (n, N) U[0, 1), for small Poisson means
    normal: Array  # (n, N) N(0, 1), for large Poisson means
    drift: Array  # (n, N) N(0, 1)
    lead_time: Array  # (n, N) days, float32 whole, of an order placed today
    switch: Array | None = None  # (n, N) U[0, 1), rounds the customers who take a substitute
    promotion: PromotionNoise | None = None


class Outcome(NamedTuple):
    """What a day brought."""

    order: Array  # (n, N) units
    demand: Array  # (n, N) units; hidden from the agent
    sales: Array  # (n, N) units, to customers of the substitute too
    lost: Array  # (n, N) units of demand that found neither the item nor its substitute
    received: Array  # (n, N) units that found room
    refused: Array  # (n, N) units that found none
    left: Array  # (n, N) units at the end of the day
    trucks: Array  # (n,) that left today


class Rules(NamedTuple):
    """Numbers that the dynamics need."""

    capacity: float  # units
    persistence: float
    drift_sd: float
    memory: float  # discount of a day in `sold` and `exposure`
    prior: float  # days of usual sales that `level` starts with
    options: Options = Options()


def step(tables: ShopTables, rules: Rules, state: State, order: Array, noise: Noise) -> tuple[State, Outcome]:
    """Let a day pass; `order` is (n, N) float32 whole units."""
    xp = array_namespace(state.stock)
    factor = calendar_factor(xp, tables.calendar, state.weekday, state.day)
    actual, expected = _with_promotions(xp, rules.options, factor, state.promotions)
    demand = draw_demand(xp, tables, rules, actual, state.drift, noise)
    sales = xp.minimum(demand, state.stock)
    left, lost = state.stock - sales, demand - sales
    if noise.switch is not None:
        share = rules.options.substitution
        taken, replaced = substitute(xp, share, tables.partner, lost, left, noise.switch)
        sales, left, lost = sales + taken, left - taken, lost - replaced
    arriving, pipeline = _place(xp, state.pipeline, order, noise.lead_time)
    accepted = _fit_in(xp, tables, rules.capacity, left, arriving)
    stock = left + accepted
    empty = xp.astype(left <= 0, xp.float32)
    sold, exposure = _smooth(xp, tables, rules, state, sales, expected, empty)
    sent = trucks(xp, rules.options, order @ tables.each)
    outcome = Outcome(order, demand, sales, lost, accepted, arriving - accepted, stock * 1.0, sent)
    row = xp.concat([xp.ones_like(empty[:, :1]), xp.log(1.0 + sales / tables.mean), empty], axis=1)
    weekday = state.weekday + 1.0
    day = state.day + 1.0
    keep = rules.persistence
    return State(
        weekday - 7.0 * xp.astype(weekday >= 7.0, xp.float32),
        day - 365.0 * xp.astype(day >= 365.0, xp.float32),
        state.drift * keep + noise.drift * (rules.drift_sd * (1 - keep * keep) ** 0.5),
        stock,
        pipeline,
        state.under_way + order - arriving,
        sold,
        exposure,
        xp.concat([state.history[:, 1:], row[:, None, :]], axis=1),
        _next_promotions(xp, rules.options, state.promotions, noise.promotion),
    ), outcome


def _next_promotions(
    xp: Any, options: Options, promotions: Promotions | None, noise: PromotionNoise | None
) -> Promotions | None:
    if promotions is None or noise is None:
        return None
    return advance(xp, options, promotions, noise)


def _with_promotions(
    xp: Any, options: Options, factor: Array, promotions: Promotions | None
) -> tuple[Array, Array]:
    """Return the calendar's factor times the real and times the mean uplift of promotions that run today."""
    if promotions is None:
        return factor, factor
    since, uplift = promotions
    return factor * lift(xp, since, uplift), factor * lift(xp, since, options.promotion_uplift)


def calendar_factor(xp: Any, table: Array, weekday: Array, day: Array) -> Array:
    """Return the (n, 1) factor of each copy's date."""
    index = xp.astype(weekday * 365.0 + day, xp.int64)
    return xp.reshape(table, (-1,))[index][:, None]


def draw_demand(
    xp: Any, tables: ShopTables, rules: Rules, factor: Array, drift: Array, noise: Noise
) -> Array:
    """Return Poisson(Gamma) demand, (n, N): the mean is `mean` x calendar x exp(drift)."""
    rate = factor * tables.mean * xp.exp(drift - 0.5 * rules.drift_sd**2)
    return to_poisson(xp, rate * noise.gamma / tables.shape, noise.uniform, noise.normal)


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


def _fit_in(xp: Any, tables: ShopTables, capacity: float, left: Array, arriving: Array) -> Array:
    """Return the units that find room: pro rata where not all do."""
    room = positive(capacity - left @ tables.each)
    wanted = arriving @ tables.each
    share = xp.clip(room / xp.clip(wanted, 1.0, None), None, 1.0)
    return xp.floor(arriving * share[:, None])


def level(tables: ShopTables, rules: Rules, sold: Array, exposure: Array) -> Array:
    """Return the estimated rate over the usual rate, (n, N); 1 before anything is known."""
    prior = tables.mean * rules.prior
    return (sold + prior) / (exposure + prior)


def _smooth(
    xp: Any, tables: ShopTables, rules: Rules, state: State, sales: Array, factor: Array, empty: Array
) -> tuple[Array, Array]:
    """Return discounted sales and exposure; a day that emptied the shelf never lowers the level."""
    usual = factor * tables.mean
    explained = xp.minimum(usual, sales / level(tables, rules, state.sold, state.exposure))
    seen = xp.where(empty > 0, explained, usual)
    return state.sold * rules.memory + sales, state.exposure * rules.memory + seen
