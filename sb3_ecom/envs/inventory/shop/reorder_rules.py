"""Reorder points and order-up-to levels of a web shop: static, forecast and newsvendor (s, S), can-order.

Each rule has two parameters an item, u and v: the logs of factors on the reorder point and on the lot. All
see observations only, and know the fitted demand model (mean, erraticness, calendar), the costs and the
lead-time law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.buyer_view import View
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.forecasts import holt_winters, seasonal_naive

_LOT_DAYS = 7.0

#: (task, view, u, v) -> reorder points and order-up-to levels, (n, N) units; u and v are (N,)
Rule = Callable[[ShopTask, View, Array, Array], tuple[Array, Array]]


def static(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Keep the same two levels all year, in days of the mean demand."""
    point = np.exp(u) * task.params.span * task.tables.public.mean
    top = point + np.exp(v) * _LOT_DAYS * task.tables.public.mean
    return np.broadcast_to(point, view.on_hand.shape), np.broadcast_to(top, view.on_hand.shape)


def forecast(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Scale the textbook forecast until arrival, and a week of the estimated rate."""
    point = np.exp(u) * view.forecast
    return point, point + np.exp(v) * _LOT_DAYS * view.rate


def _newsvendor(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Add safety stock to the textbook forecast."""
    return _with_safety(task, view.forecast, view.rate, u, v)


def naive(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Add safety stock to what the same weekdays sold in the weeks seen."""
    return _with_safety(task, *seasonal_naive(task, view), u, v)


def _smoothed(task: ShopTask) -> Rule:
    """Return a rule that adds safety stock to a Holt-Winters forecast; it has a memory."""
    predict = holt_winters(task)
    return lambda task, view, u, v: _with_safety(task, *predict(task, view), u, v)


def _with_safety(task: ShopTask, forecast: Array, rate: Array, u: Array, v: Array) -> tuple[Array, Array]:
    """Return forecast plus safety stock from the demand model's variance, and an economic lot."""
    tables = task.tables.public
    spread = np.sqrt(forecast + forecast**2 / (tables.shape * task.params.span))
    lot = np.sqrt(2 * tables.line * rate / tables.holding)
    point = forecast + (np.exp(u) - 0.2) * spread
    return point, point + np.exp(v) * np.maximum(lot, 1.0)


def within_storage(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Follow `forecast`, but share out the room that stock and units under way leave, pro rata."""
    point, top = forecast(task, view, u, v)
    wanted = np.where(view.position <= point, np.maximum(top - view.position, 0), 0)
    room = np.maximum(task.params.capacity - view.position.sum(axis=1), 0)
    share = np.minimum(room / np.maximum(wanted.sum(axis=1), 1), 1)[:, None]
    short = (wanted > 0) & (share < 1)
    # Half a unit above the position: the order is then the lot alone, and can be as small as the share.
    return np.where(short, view.position + 0.5, point), np.where(short, view.position + wanted * share, top)


def can_order(share: float) -> Rule:
    """Return a rule by which an item that must be ordered takes others along, so that they share a truck.

    Once one item is at its reorder point, every item whose position is below point + `share` x lot is ordered
    up to its own level (within the storage).

    Source: Balintfy (1964), "On a basic class of multi-item inventory problems", Management Science 10(2).
    """

    def rule(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
        point, top = within_storage(task, view, u, v)
        due = (view.position <= point).any(axis=1, keepdims=True)
        return np.where(due, point + share * (top - point), point), top

    return rule


#: name -> make(task) -> a rule at the start of its episodes
RULES: Mapping[str, Callable[[ShopTask], Rule]] = MappingProxyType(
    {
        "static_s_S": lambda task: static,
        "seasonal_naive": lambda task: naive,
        "holt_winters": _smoothed,
        "newsvendor_s_S": lambda task: _newsvendor,
        "forecast_s_S": lambda task: forecast,
        "forecast_pro_rata": lambda task: within_storage,
        "forecast_refined": lambda task: within_storage,  # the same rule, searched seven times as long
        "can_order": lambda task: can_order(0.4),
    }
)
