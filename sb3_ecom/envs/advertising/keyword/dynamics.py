"""One day of a search campaign, search by search until the budget is gone. Pure and batched."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.advertising.auctions import MICROS, count_many, lay_out
from sb3_ecom.envs.advertising.keyword.landscape import QUANTILES, TOP_BID, Tables, win_rate
from sb3_ecom.envs.advertising.keyword.params import KeywordParams


class ResetNoise(NamedTuple):
    """Draws that start a campaign."""

    keywords: Array  # (n, K, 5) U[0, 1): click, conversion, revenue, slope, threshold
    drift: Array  # (n, K, 2) N(0, 1): click, conversion
    budget: Array  # (n,) U[0, 1)
    volume: Array | None  # (n, K, 2) N(0, 1): share of searches, its drift; None where keywords are alike


class StepNoise(NamedTuple):
    """Searches of a day and the drift of rates, whatever is bid."""

    count: Array  # (n,) N(0, 1) behind the number of searches
    searches: Array  # (2, m) U[0, 1): keyword and fate, price; m places for all copies
    drift: Array  # (n, K, 2) N(0, 1)
    volume: Array | None  # (n, K) N(0, 1), or None


class HiddenState(NamedTuple):
    """Market of n campaigns in the morning; budget and revenue per conversion are public, the rest is not."""

    budget: Array  # (n,) int64 micros per day
    revenue: Array  # (n, K) money per conversion
    click: Array  # (n, K) log odds of a click, their mean
    conversion: Array  # (n, K) log odds of a conversion, their mean
    slope: Array  # (n, K) of the win curve
    threshold: Array  # (n, K) of the win curve, money
    drift: Array  # (n, K, 2) of those log odds: click, conversion
    volume: Array | None  # (n, K, 2) log share of searches: its mean, drift; None: all alike


class Outcome(NamedTuple):
    """Result of one day, (n,) each but `events`."""

    revenue: Array
    cost: Array
    searches: Array
    impressions: Array
    clicks: Array
    conversions: Array
    budget: Array
    missed: Array  # share of the searches that came after the budget was gone
    met: Array  # the others' share
    events: Array  # (n, K, 3) impressions, clicks, conversions


class _Delivery(NamedTuple):
    """Events of a day that the budget paid for."""

    cost: Array  # (n,) int64 micros
    events: Array  # (n, K, 3) impressions, clicks, conversions
    met: Array  # (n,) share of the day's searches that came before the budget was gone


def start(noise: ResetNoise, params: KeywordParams, tables: Tables, typical: float) -> HiddenState:
    """Draw keywords and a budget."""
    xp = array_namespace(noise.budget)
    place = xp.astype(noise.keywords * float(QUANTILES), xp.int64)
    click, conversion = (_log_odds(xp, law[place[..., i]]) for i, law in enumerate(tables[:2]))
    share = params.budget_low + (params.budget_high - params.budget_low) * noise.budget
    budget = xp.astype(share * (typical * params.keywords * MICROS), xp.int64)
    volume = noise.volume
    if volume is not None:
        volume = volume * xp.stack([click * 0.0 + params.volume_sd, click * 0.0 + params.volume_day_sd], -1)
    return HiddenState(
        budget,
        tables.revenue[place[..., 2]],
        click,
        conversion,
        tables.slope[place[..., 3]],
        noise.keywords[..., 4] * 1.5,
        noise.drift * params.drift_sd,
        volume,
    )


def current_rates(state: HiddenState) -> tuple[Array, Array]:
    """Return the (n, K) click and conversion rates of the day."""
    xp = array_namespace(state.click)
    odds = (state.click + state.drift[..., 0], state.conversion + state.drift[..., 1])
    return tuple(1.0 / (1.0 + xp.exp(-part)) for part in odds)  # type: ignore[return-value]


def search_shares(state: HiddenState) -> Array | None:
    """Return the (n, K) shares of the day's searches, or None where all keywords are alike."""
    if state.volume is None:
        return None
    xp = array_namespace(state.click)
    weight = xp.exp(state.volume[..., 0] + state.volume[..., 1])
    return weight / xp.sum(weight, axis=1, keepdims=True)


def bids_from(action: Array) -> Array:
    """Return bids: the root of the bid is linear in the action."""
    root = (action + 1.0) * 0.5
    return TOP_BID * root * root


def search(
    state: HiddenState, bid: Array, noise: StepNoise, params: KeywordParams, tables: Tables
) -> tuple[_Delivery, Array]:
    """Run the day's searches in order until the budget can not pay a click; return (Delivery, searches).

    One uniform number decides a search: it lies in the keyword's share of [0, 1), and how far into it makes
    an impression below win, a click below win x click and a conversion below win x click x conversion.
    """
    xp = array_namespace(bid)
    n, k = bid.shape
    mean = xp.zeros_like(bid[:, 0]) + params.volume * k
    counts, bounds = lay_out(count_many(mean, noise.count), noise.searches.shape[1])
    m = int(bounds[-1])
    cell, fate = _assign(state, noise.searches[0, :m], counts)
    click_rate, conversion_rate = current_rates(state)
    chance = [win_rate(xp, bid, state.slope, state.threshold)]
    chance.append(chance[0] * click_rate)
    chance.append(chance[1] * conversion_rate)
    flat_bid = xp.reshape(bid, (-1,))
    clicked = xp.nonzero(fate < xp.reshape(chance[1], (-1,))[cell])[0]
    price = _click_price(xp, flat_bid[cell[clicked]], noise.searches[1, :m][clicked], tables)
    micros = xp.astype(price * float(MICROS), xp.int64)
    paid = xp.concat([xp.zeros_like(bounds[:1]), xp.cumsum(micros, axis=0)])
    places = xp.searchsorted(clicked, bounds)
    before = paid[places[:-1]]
    last = xp.searchsorted(paid, before + state.budget, side="right") - 1
    last = xp.minimum(last, places[1:])
    # The click that the budget can not pay ends the day: nothing from there on is shown.
    beyond = xp.concat([clicked, bounds[-1:]])
    end = xp.where(last < places[1:], beyond[last], bounds[1:])
    open_ = xp.arange(m) < xp.repeat(end, counts)
    events = [_count(xp, cell, open_ & (fate < xp.reshape(part, (-1,))[cell]), n, k) for part in chance]
    met = xp.astype(end - bounds[:-1], xp.float32) / xp.clip(xp.astype(counts, xp.float32), 1.0, None)
    return _Delivery(paid[last] - before, xp.stack(events, axis=-1), met), counts


def _assign(state: HiddenState, uniform: Array, counts: Array) -> tuple[Array, Array]:
    """Return (m,) cells (copy x K + keyword) of searches, and where in the keyword's share they lie."""
    n, k = state.click.shape
    xp = array_namespace(uniform)
    part = search_shares(state)
    if part is None:
        spot = uniform * float(k)
        keyword = xp.clip(xp.astype(spot, xp.int64), 0, k - 1)
        return xp.repeat(xp.arange(n) * k, counts) + keyword, spot - xp.astype(keyword, xp.float32)
    owner = xp.repeat(xp.arange(n), counts)
    # Ends of the shares of all copies, one behind the other: one search finds copy and keyword.
    ends = xp.astype(xp.arange(n), xp.float64)[:, None] + xp.cumulative_sum(
        xp.astype(part, xp.float64), axis=1
    )
    ends = xp.reshape(ends, (-1,))
    spot = xp.astype(owner, xp.float64) + xp.astype(uniform, xp.float64)
    cell = xp.clip(xp.searchsorted(ends, spot, side="right"), owner * k, owner * k + k - 1)
    size = xp.reshape(xp.astype(part, xp.float64), (-1,))[cell]
    return cell, xp.astype(1.0 - (ends[cell] - spot) / size, xp.float32)


def _click_price(xp: Any, bid: Array, uniform: Array, tables: Tables) -> Array:
    """Return clip(sqrt(b)/4 + b/2 + N(0, sqrt(b)/6), 0, b)."""
    score = tables.score[xp.astype(uniform * float(QUANTILES), xp.int64)]
    root = xp.sqrt(bid)
    return xp.minimum(xp.clip(root * 0.25 + bid * 0.5 + score * root / 6.0, 0.0, None), bid)


def _count(xp: Any, cell: Array, chosen: Array, n: int, k: int) -> Array:
    """Return (n, K) numbers of chosen searches."""
    found = xp.sort(cell[xp.nonzero(chosen)[0]])
    edges = xp.searchsorted(found, xp.arange(n * k + 1))
    return xp.astype(xp.reshape(edges[1:] - edges[:-1], (n, k)), xp.float32)


def step(
    state: HiddenState, bid: Array, noise: StepNoise, params: KeywordParams, tables: Tables
) -> tuple[HiddenState, Outcome]:
    """Run a day at the (n, K) bids, and let click rates, conversion rates and volumes drift to the next."""
    xp = array_namespace(bid)
    delivery, counts = search(state, bid, noise, params, tables)
    shown, clicked, bought = (xp.sum(delivery.events[..., i], axis=1) for i in range(3))
    memory = params.drift_memory
    shock = params.drift_sd * math.sqrt(1 - memory * memory)
    drift = state.drift * memory + noise.drift * shock
    after = state._replace(drift=drift, volume=_move_volume(state, noise, params))
    outcome = Outcome(
        revenue=xp.sum(delivery.events[..., 2] * state.revenue, axis=1),
        cost=xp.astype(delivery.cost, xp.float32) / MICROS,
        searches=xp.astype(counts, xp.float32),
        impressions=shown,
        clicks=clicked,
        conversions=bought,
        budget=xp.astype(state.budget, xp.float32) / MICROS,
        missed=1.0 - delivery.met,
        met=delivery.met,
        events=delivery.events,
    )
    return after, outcome


def _move_volume(state: HiddenState, noise: StepNoise, params: KeywordParams) -> Array | None:
    """Let the log shares of searches drift by a day."""
    if state.volume is None or noise.volume is None:
        return None
    xp = array_namespace(state.click)
    memory = params.volume_memory
    shock = params.volume_day_sd * math.sqrt(1 - memory * memory)
    moved = state.volume[..., 1] * memory + noise.volume * shock
    return xp.stack([state.volume[..., 0], moved], axis=-1)


def _log_odds(xp: Any, rate: Array) -> Array:
    safe = xp.clip(rate, 1e-4, 1 - 1e-4)
    return xp.log(safe / (1.0 - safe))
