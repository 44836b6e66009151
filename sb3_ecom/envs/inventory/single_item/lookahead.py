"""Rules of a lost-sales item that look at the period in which an order arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.effort import check_cells
from sb3_ecom.envs.inventory.demand import expected_left_and_unmet, fractile, leftover_law
from sb3_ecom.envs.inventory.markov import Rule, Units, Values
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.rewards import holding_and_penalty

_MAX_CELLS = 60_000_000  # states x orders that the rule with two periods ahead tabulates; 8 bytes each


def myopic_rule(params: SingleItemParams) -> Rule:
    """Order the least that serves the period of arrival at the newsvendor ratio (Zipkin's Myopic1)."""
    arrival = _stock_on_arrival(params)
    served = np.cumsum(params.pmf())

    def rule(units: Units) -> NDArray[Any]:
        at_hand = arrival(units)
        order = np.zeros(len(units), dtype=np.int64)
        short = np.ones(len(units), dtype=bool)
        while short.any():
            available = np.minimum(np.arange(at_hand.shape[1])[None, :] + order[:, None], len(served) - 1)
            chance = (at_hand * served[available]).sum(axis=1)
            short = (chance < params.service_level) & (order < params.order_limit)
            order += short
        return order

    return rule


def myopic2_rule(params: SingleItemParams) -> Rule:
    """Order what the period of arrival and the one after it cost least with, the next order being myopic.

    Raises:
        ValueError: if the states are too many to tabulate.

    Source: Zipkin (2008), Operations Research 56(5), "Myopic2".
    """
    lead_time, pmf = params.lead_time, params.pmf()
    if not lead_time:  # what is ordered can be sold at once: one period ahead is all that matters
        return myopic_rule(params)
    most = min(fractile(pmf, params.service_level), params.order_limit)
    top = fractile(params.pmf(lead_time + 1), params.service_level)
    cells = (top + 1) * (most + 1) ** lead_time
    check_cells("lead_time", cells, _MAX_CELLS, "states and orders")
    leave = leftover_law(pmf, top)
    arrive = np.minimum(np.arange(top + 1)[:, None] + np.arange(most + 1)[None, :], top)

    def before(later: Values) -> Values:
        """Return costs one demand and one arrival earlier: by (stock, what arrives, ...)."""
        following = later[arrive]
        return np.asarray((leave @ following.reshape(top + 1, -1)).reshape(following.shape))

    ends = expected_left_and_unmet(pmf, params.demand_mean, np.arange(top + 1))
    ahead = np.add(*holding_and_penalty(*ends, params))
    for _ in range(lead_time):
        ahead = before(ahead)
    orders = (ahead + before(ahead.min(axis=-1))).argmin(axis=-1)
    caps = np.array(orders.shape) - 1
    return lambda units: np.asarray(orders[tuple(np.clip(units, 0, caps).T)])


def dual_balancing_rule(params: SingleItemParams) -> Rule:
    """Balance what an order costs on the shelf with what its period of arrival still loses, both expected.

    The first grows with the order, the second falls: the order is the one with the smaller maximum of both.

    Source: Levi, Janakiraman and Nagarajan (2008), Mathematics of Operations Research 33(2). Zipkin (2008)
    rounds to whole units in another way, not stated: his figures differ by up to 3%, mostly upwards.
    """
    arrival = _stock_on_arrival(params)
    stocks = np.arange(params.position_limit + 1)[:, None]
    orders = np.arange(params.order_limit + 1)
    shelf_time = np.concatenate([[0.0], np.cumsum(_periods_until_sold(params, stocks[-1, 0] + orders[-1]))])
    holding = params.holding_cost * (shelf_time[stocks + orders] - shelf_time[stocks])
    _, unmet = expected_left_and_unmet(params.pmf(), params.demand_mean, stocks + orders)
    losing = params.penalty * unmet

    def rule(units: Units) -> NDArray[Any]:
        at_hand = arrival(units)
        return np.asarray(np.maximum(at_hand @ holding, at_hand @ losing).argmin(axis=1))

    return rule


def vector_base_stock_rule(params: SingleItemParams) -> Rule:
    """Order up to the newsvendor level of every stretch of periods up to the arrival, the tightest counts.

    Source: Zipkin (2008), Operations Research 56(5), "standard vector base stock".
    """
    lead_time = params.lead_time
    tops = [fractile(params.pmf(lead_time - k + 1), params.service_level) for k in range(lead_time + 1)]

    def rule(units: Units) -> NDArray[Any]:
        room = [top - units[:, k:].sum(axis=1) for k, top in enumerate(tops)]
        return np.asarray(np.clip(np.min(room, axis=0), 0, None))

    return rule


def _stock_on_arrival(params: SingleItemParams) -> Callable[[Units], Values]:
    """Return a function that maps (n, w) units to the law of the stock that an order joins, (n, top + 1)."""
    top = params.position_limit
    leave = leftover_law(params.pmf(), top)

    def law(units: Units) -> Values:
        at_hand = np.zeros((len(units), top + 1))
        at_hand[np.arange(len(units)), np.clip(units[:, 0], 0, top)] = 1.0
        for ahead in range(params.lead_time):
            at_hand = at_hand @ leave
            if ahead + 1 < units.shape[1]:
                at_hand = _shift(at_hand, units[:, ahead + 1])
        return at_hand

    return law


def _periods_until_sold(params: SingleItemParams, units: int) -> Values:
    """Return how many period ends the 1st, 2nd, ... unit in line sees on the shelf on average, (units,)."""
    pmf = np.zeros(units)
    known = params.pmf()[:units]
    pmf[: len(known)] = known
    total, law = np.zeros(units), pmf
    while law.sum() > 1e-12:
        total += np.cumsum(law)  # the k-th unit is still there while demand so far is below k
        law = np.convolve(law, pmf)[:units]
    return total


def _shift(chances: Values, units: Units) -> Values:
    """Move each row's distribution up by its arriving units."""
    top = chances.shape[1] - 1
    moved = np.zeros_like(chances)
    for amount in np.unique(units):
        rows = units == amount
        moved[rows, amount:] = chances[rows, : top + 1 - amount]
        moved[rows, top] += chances[rows, top + 1 - amount :].sum(axis=1)
    return moved
