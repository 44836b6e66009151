"""The fluid programme of a season with known demand: bid prices by its dual, for many seasons at once.

With units divisible and demand equal to its mean, the shop maximises sum_t visitors_t sum_k (p_k - v_k) q_k
over prices, subject to the stocks; v is salvage. Its Lagrangian falls apart into visitors: with bid prices c
on the stocks each is worth R_t(c) = max_p sum_k (p_k - c_k) q_k(p), and for every c >= v

    stock . c + sum_t visitors_t R_t(c)

bounds what any policy can expect, known demand or not, with stock-outs, lost sales and Poisson demand
(Jensen: revenue is concave in the sales rates). Source: Gallego and van Ryzin (1994), section 4, for one
product; for logit demand, Li and Huh (2011), Manufacturing & Service Operations Management 13(4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.pricing.demand import attraction
from sb3_ecom.envs.pricing.season.params import SeasonParams

_MOST_ROUNDS = 100  # of Dinkelbach's iteration, which converges faster than Newton's
_ROUGH = 1e-5  # tolerance of the search for bid prices
_STEP = 0.7  # of the way to where demand would meet stock, were there no cross-effects


class Seasons(NamedTuple):
    """Known demand of m seasons, or rests of seasons, of T periods (or parts of equal demand)."""

    visitors: Floats  # (m, T) mean number
    sensitivity: Floats  # (m, T)
    stock: Floats  # (m, K) units


class Plan(NamedTuple):
    """Bid prices, and the prices that are best for them."""

    bid_price: Floats  # (m, K) money a unit of stock is worth
    factor: Floats  # (m, T, K) price factors
    share: Floats  # (m, T, K) of visitors who buy
    value: Floats  # (m,) bound on the money to come


def best_factors(
    cost: Floats,
    sensitivity: Floats,
    offered: Floats,
    params: SeasonParams,
    tolerance: float = 1e-10,
) -> tuple[Floats, Floats, Floats]:
    """Return a visitor's value, the best price factors within bounds, and the attractions at them.

    Dinkelbach's iteration on sum_k (p_k - c_k) w_k / (1 + sum_k w_k): for a trial value R each product's best
    factor is (c_k + R) / r_k + 1 / sensitivity, cut to the bounds. The value leaves out what earns less than
    R even at the cap, as a stock-out would do; factors and attractions are given of all that is offered.

    Args:
        cost: (..., K) money a unit is worth unsold.
        sensitivity: (..., 1).
        offered: (..., K) 1 where there is stock.
        params: of the season.
        tolerance: of the value, over the dearest reference price.
    """
    price, appeal = np.asarray(params.price), np.asarray(params.appeal)
    value = np.zeros(np.broadcast_shapes(cost.shape, sensitivity.shape)[:-1])[..., None]
    for _ in range(_MOST_ROUNDS):
        factor = np.clip((cost + value) / price + 1 / sensitivity, params.floor, params.cap)
        weight = attraction(factor, sensitivity, appeal) * offered
        margin = factor * price - cost
        kept = weight * (margin > value)
        found = (margin * kept).sum(-1, keepdims=True) / (1 + kept.sum(-1, keepdims=True))
        done = np.abs(found - value).max(initial=0) <= tolerance * price.max()
        value = found
        if done:
            break
    return value[..., 0], factor, weight


def plan(seasons: Seasons, params: SeasonParams, start: Floats | None = None, rounds: int = 40) -> Plan:
    """Return bid prices near those of the fluid programme, and the prices that go with them.

    Bid prices rise where demand exceeds stock and fall where stock is left, as far as products would need to
    move alone; the best bound of all rounds is kept.

    Args:
        seasons: m of them.
        params: of the season; its demand parameters are not looked at.
        start: (m, K) bid prices to start from.
        rounds: of the search.
    """
    price = np.asarray(params.price)
    least = price * params.salvage
    cost = np.broadcast_to(least, seasons.stock.shape) if start is None else np.maximum(start, least)
    offered = (seasons.stock > 0).astype(np.float64)[:, None, :]
    sensitivity = seasons.sensitivity[..., None]
    mean = (seasons.visitors * seasons.sensitivity).sum(1) / np.maximum(seasons.visitors.sum(1), 1e-300)
    unit = _STEP * price / mean[:, None]
    best: Plan | None = None
    for _ in range(rounds):
        value, factor, weight = best_factors(cost[:, None, :], sensitivity, offered, params, _ROUGH)
        share = weight / (1 + weight.sum(-1, keepdims=True))
        bound = (seasons.stock * cost).sum(1) + (seasons.visitors * value).sum(1)
        found = Plan(cost, factor, share, bound)
        best = found if best is None else _better(best, found)
        demand = (seasons.visitors[..., None] * share).sum(1)
        excess = np.log(np.maximum(demand, 1e-9) / np.maximum(seasons.stock, 1e-9))
        moved = np.clip(cost + unit * np.clip(excess, -1, 1), least, price * params.cap)
        if np.abs(moved - cost).max(initial=0) <= 1e-7 * price.max():
            break
        cost = moved
    assert best is not None
    return best


def _better(one: Plan, other: Plan) -> Plan:
    """Return, season by season, the plan of the lower bound."""
    lower = other.value < one.value

    def choose(new: Floats, old: Floats) -> Floats:
        return np.where(lower.reshape(-1, *(1,) * (old.ndim - 1)), new, old)

    return Plan(*(choose(new, old) for new, old in zip(other, one, strict=True)))


def upper_bounds(seasons: Seasons, params: SeasonParams) -> Floats:
    """Return (m,) upper bounds on the expected money of any policy, where demand is known from the start.

    A product that earns less than a visitor is worth is left out, as a stock-out would do. With `waiting`
    the shop may choose how many wait, up to what the lowest price that is allowed would make wait.
    """
    found = plan(seasons, params)
    cost = found.bid_price[:, None, :]
    periods = seasons.visitors.shape[1]
    later = np.zeros((len(seasons.stock), 1))
    total = (seasons.stock * found.bid_price).sum(1)
    for period in range(periods - 1, -1, -1):
        sensitivity = seasons.sensitivity[:, period, None]
        later = _visit_value(cost[:, 0], sensitivity, later, params)
        total = total + seasons.visitors[:, period] * later[:, 0]
        if not params.waiting:
            later = later * 0.0
    return np.asarray(total)


def _visit_value(cost: Floats, sensitivity: Floats, later: Floats, params: SeasonParams) -> Floats:
    """Return what a visitor is worth, (m, 1): he buys, leaves, or waits and is worth `later` then."""
    price, appeal = np.asarray(params.price), np.asarray(params.appeal)
    most = params.waiting * attraction(np.full_like(cost, params.floor), sensitivity, appeal).sum(
        1, keepdims=True
    )
    value = np.zeros_like(later)
    for _ in range(_MOST_ROUNDS):
        factor = np.clip((cost + value) / price + 1 / sensitivity, params.floor, params.cap)
        margin = factor * price - cost
        weight = attraction(factor, sensitivity, appeal) * (margin > value)
        waits = most * (later > value)
        earned = (margin * weight).sum(1, keepdims=True) + waits * later
        found = earned / (1 + weight.sum(1, keepdims=True) + waits)
        if np.abs(found - value).max(initial=0) <= 1e-12 * price.max():
            break
        value = found
    return value
