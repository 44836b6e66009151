"""The constant arrays of a web shop, and what is publicly known of its items."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.dynamics import Rules, ShopTables
from sb3_ecom.envs.inventory.shop.params import ShopParams
from sb3_ecom.envs.inventory.shop.promotions import Options

_MEMORY, _PRIOR = 1 - 1 / 22, 5.0  # of the textbook forecast; days


def lead_time_cdf(params: ShopParams) -> Array:
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


def make_tables(params: ShopParams) -> ShopTables:
    """Return the constant arrays of a shop."""
    demand = params.demand
    mean, price = np.array(demand.mean), np.array(demand.price)
    unit = float((mean * price).sum() * params.margin)  # the shop's mean daily margin, money
    cost = price * (1 - params.margin)
    calendar = np.outer(demand.weekday, demand.season_factors())
    ahead = np.zeros_like(calendar)
    for weekday in range(7):
        for day in range(params.days_to_cover(weekday)):
            ahead[weekday] += np.roll(calendar[(weekday + day) % 7], -day)
    places = np.arange(demand.items)
    arrays = {
        "mean": mean,
        "shape": np.array(demand.shape),
        "margin": price * params.margin / unit,
        "lost": price * params.margin * params.penalty / unit,
        "holding": cost * params.holding_rate / unit,
        "overflow": cost * params.overflow_rate / unit,
        "line": np.array(params.line_cost / demand.items),
        "calendar": calendar,
        "ahead": ahead,
        "each": np.ones(demand.items),
        "lane": np.zeros((demand.items, params.max_lead_time)),
        "lead_time": lead_time_cdf(params),
        "week": np.arange(7),
        "blank": np.zeros((params.history, 1 + 2 * demand.items)),
        "dispatch": np.isin(np.arange(7), params.dispatch_days),
        "truck": np.array(params.truck_cost),
    }
    prices = ("margin", "lost", "holding", "overflow")
    arrays["by_item"] = np.array([np.diag(arrays[name]) for name in prices])
    partner = np.minimum(places ^ 1, demand.items - 1)  # the neighbour in popularity; an odd one has none
    return ShopTables(partner=partner, **{name: array.astype(np.float32) for name, array in arrays.items()})


def make_rules(params: ShopParams) -> Rules:
    """Return the numbers that the dynamics need."""
    demand = params.demand
    units = sum(demand.mean)
    return Rules(
        capacity=params.capacity_days * units,
        persistence=demand.persistence,
        drift_sd=demand.drift_sd,
        memory=_MEMORY,
        prior=_PRIOR,
        options=Options(
            promotion_rate=params.promotion_rate,
            promotion_days=float(params.promotion_days),
            promotion_notice=float(params.promotion_notice),
            promotion_uplift=params.promotion_uplift,
            promotion_spread=params.promotion_spread,
            substitution=params.substitution,
            truck_units=params.truck_days * units,
        ),
    )
