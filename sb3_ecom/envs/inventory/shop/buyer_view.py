"""Stock and forecasts in units, read from tracked states or observations; orders as actions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.rate_estimates import rate_factor
from sb3_ecom.envs.inventory.shop.tables import PublicTables
from sb3_ecom.envs.inventory.shop.tracker import LOG_RANGE, LOT_DAYS, MAX_ORDER_DAYS, ShopTracker, Tracked

SHARED_CONTEXT = 11  # floats of the context that belong to no item


class View(NamedTuple):
    """Stock, forecasts and recent sales, (n, N) units where it says nothing else."""

    on_hand: Array  # on the shelf
    position: Array  # on the shelf and under way
    rate: Array  # textbook estimate of a mean day's demand
    forecast: Array  # textbook forecast until an order placed now is there
    weekday: Array  # (n,) 0 = Monday
    sales: Array  # (n, days, N) units of the last days, newest last
    stock_out: Array  # (n, days, N) bool: the shelf was empty that evening
    seen: Array  # (n, days) bool: the day belongs to the episode


def view_of_tracked(tracked: Tracked, tracker: ShopTracker, tables: PublicTables) -> View:
    """Return the view of a tracked state."""
    rate = rate_factor(tracked.sold, tracked.exposure, tables)
    sales, stock_out = sales_and_stock_outs(tracked.history, np.asarray(tables.mean))
    return View(
        on_hand=tracked.on_hand,
        position=tracked.on_hand + tracked.under_way,
        rate=rate * tables.mean,
        forecast=tracker.demand_to_cover(tracked, tables) * rate,
        weekday=tracked.weekday,
        sales=sales,
        stock_out=stock_out,
        seen=tracked.history[:, :, 0] > 0,
    )


def view_of_observation(observation: Array, tables: PublicTables) -> View:
    """Return the view of (n, d) observations."""
    mean = np.asarray(tables.mean)
    items, shape = len(mean), tuple(tables.blank.shape)
    blocks = [observation[:, SHARED_CONTEXT + k * items :][:, :items] for k in range(5)]
    on_hand, under_way = (np.rint(np.expm1(block) * mean) for block in blocks[:2])
    position = on_hand + under_way
    history = observation[:, -shape[0] * shape[1] :].reshape(-1, *shape)
    sales, stock_out = sales_and_stock_outs(history, mean)
    return View(
        on_hand=on_hand,
        position=position,
        rate=np.exp(blocks[3]) * mean,
        forecast=np.maximum((position + 1.0) / np.exp(blocks[4]) - 1.0, 0.0),
        weekday=observation[:, :7].argmax(axis=1),
        sales=sales,
        stock_out=stock_out,
        seen=history[:, :, 0] > 0,
    )


def sales_and_stock_outs(history: Array, mean: Array) -> tuple[Array, Array]:
    """Return the units sold and the empty shelves, (..., N), that a history, (..., 1 + 2N), shows."""
    items = len(mean)
    return np.rint(np.expm1(history[..., 1 : 1 + items]) * mean), history[..., 1 + items :] > 0


def to_action(view: View, point: Array, top: Array, action: str, tables: PublicTables) -> Array:
    """Return the action that orders up to `top` where the position is at or below `point`, units.

    `action` is the task's kind of action: reorder, quantity.
    """
    if action == "quantity":
        order = np.where(view.position <= point, np.maximum(top - view.position, 0), 0)
        share = np.sqrt(np.clip(order / (MAX_ORDER_DAYS * np.asarray(tables.mean)), 0, 1))
        return (2 * share - 1).astype(np.float32)
    low, high = math.exp(-LOG_RANGE), math.exp(LOG_RANGE)
    factor = np.clip(point / np.maximum(view.forecast, 1e-3), low, high)
    lot = np.maximum(top - factor * view.forecast, 0) / (view.rate * LOT_DAYS)
    return (np.log(np.concatenate([factor, np.clip(lot, low, high)], axis=1)) / LOG_RANGE).astype(np.float32)
