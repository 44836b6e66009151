"""Constant arrays of a web shop: what the simulator needs, and what the shop knows of its items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.params import ShopParams


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator, N items; float32."""

    lane: Array  # (N, max_lead_time) nothing under way
    lead_time: Array  # (max_lead_time - 1,) cumulative distribution over 1, 2, ...
    partner: Array  # (N,) int64, the item that customers take instead


class PublicTables(NamedTuple):
    """Constant arrays that the shop knows, N items; float32."""

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
    week: Array  # (7,) 0 .. 6
    blank: Array  # (days, 1 + 2N) a history in which nothing happened
    dispatch: Array  # (7,) 1 on weekdays on which orders leave, else 0
    truck: Array  # () money/truck


def _lead_time_cdf(params: ShopParams) -> Array:
    """Return P(lead time <= 1, 2, ..., max - 1 days): gamma, rounded to whole days and cut."""
    from scipy import stats

    ends = np.arange(1, params.max_lead_time) + 0.5
    shape = params.lead_time_shape
    return stats.gamma.cdf(ends, shape, scale=params.lead_time_mean / shape)


def catalogue(params: ShopParams) -> Array:
    """Return the logs of mean demand, erraticness and price of each item about their middle, (N, 3)."""
    demand = params.demand
    logs = np.log(np.array([demand.mean, demand.shape, demand.price]).T)
    return ((logs - np.median(logs, axis=0)) / 2).astype(np.float32)


def hidden_tables(params: ShopParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    items = params.demand.items
    partner = np.minimum(np.arange(items) ^ 1, items - 1)  # neighbour in popularity; an odd one has none
    lane = np.zeros((items, params.max_lead_time), dtype=np.float32)
    return HiddenTables(lane, _lead_time_cdf(params).astype(np.float32), partner)


def public_tables(params: ShopParams) -> PublicTables:
    """Return the constant arrays that the shop knows."""
    demand = params.demand
    mean, price = np.array(demand.mean), np.array(demand.price)
    unit = float((mean * price).sum() * params.margin)  # the shop's mean daily margin, money
    cost = price * (1 - params.margin)
    calendar = np.outer(demand.weekday, demand.season_factors())
    arrays = {
        "mean": mean,
        "shape": np.array(demand.shape),
        "margin": price * params.margin / unit,
        "lost": price * params.margin * params.penalty / unit,
        "holding": cost * params.holding_rate / unit,
        "overflow": cost * params.overflow_rate / unit,
        "line": np.array(params.line_cost / demand.items),
        "calendar": calendar,
        "ahead": _factors_to_cover(params, calendar),
        "each": np.ones(demand.items),
        "week": np.arange(7),
        "blank": np.zeros((params.history, 1 + 2 * demand.items)),
        "dispatch": np.isin(np.arange(7), params.dispatch_days),
        "truck": np.array(params.truck_cost),
    }
    prices = ("margin", "lost", "holding", "overflow")
    arrays["by_item"] = np.array([np.diag(arrays[name]) for name in prices])
    return PublicTables(**{name: array.astype(np.float32) for name, array in arrays.items()})


def _factors_to_cover(params: ShopParams, calendar: Array) -> Array:
    """Return the (7, 365) sums of the calendar over the days that an order must last."""
    ahead = np.zeros_like(calendar)
    for weekday in range(7):
        for day in range(params.days_to_cover(weekday)):
            ahead[weekday] += np.roll(calendar[(weekday + day) % 7], -day)
    return ahead
