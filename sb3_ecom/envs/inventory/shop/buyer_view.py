"""How a buyer reads a web shop's observation in units, and says orders as actions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.spaces import Layout
from sb3_ecom.core.task import Task
from sb3_ecom.envs.inventory.shop.params import ShopParams

REACH = 1.5  # log range of a multiplier: exp(+-1.5)
LOT_DAYS = 7.0  # days of demand in a lot at action 0
LARGEST = 14.0  # days of demand in the largest order of action="quantity"
SHARED = 11  # floats of the context that belong to no item


class View(NamedTuple):
    """What a buyer reads from an observation, (n, N) units where it says nothing else."""

    stock: Array  # on the shelf
    position: Array  # on the shelf and under way
    rate: Array  # textbook estimate of a usual day's demand
    forecast: Array  # textbook forecast until an order placed now is there
    weekday: Array  # (n,) 0 = Monday
    sales: Array  # (n, days, N) units of the last days, newest last
    empty: Array  # (n, days, N) bool: the shelf was empty that evening
    seen: Array  # (n, days) bool: the day belongs to the episode


class ShopReader(Task):
    """The part of the shop's task that policies talk to."""

    params: ShopParams
    layout: Layout
    kind: str  # of action: reorder, quantity

    def view(self, observation: Array) -> View:
        """Return what the context of an observation says, in units."""
        items, mean = self.params.demand.items, np.asarray(self.tables.mean)
        blocks = [observation[:, SHARED + k * items : SHARED + (k + 1) * items] for k in range(5)]
        stock, under_way = (np.rint(np.expm1(block) * mean) for block in blocks[:2])
        position = stock + under_way
        forecast = (position + 1.0) / np.exp(blocks[4]) - 1.0
        rate = np.exp(blocks[3]) * mean
        history = self.layout.split(observation)[1]
        return View(
            stock=stock,
            position=position,
            rate=rate,
            forecast=np.maximum(forecast, 0.0),
            weekday=observation[:, :7].argmax(axis=1),
            **self.past(history),
        )

    def past(self, history: Array) -> dict[str, Array]:
        """Return the sales, empty shelves and validity that a history, (n, days, 1 + 2N), shows."""
        items = self.params.demand.items
        sales = np.rint(np.expm1(history[:, :, 1 : 1 + items]) * np.asarray(self.tables.mean))
        return {"sales": sales, "empty": history[:, :, 1 + items :] > 0, "seen": history[:, :, 0] > 0}

    @property
    def span(self) -> int:
        """Most days that an order must last, in the mean."""
        return self.params.span

    def to_action(self, view: View, point: Array, top: Array) -> Array:
        """Return the action that orders up to `top` where the position is at or below `point`, units."""
        if self.kind == "quantity":
            order = np.where(view.position <= point, np.maximum(top - view.position, 0), 0)
            share = np.sqrt(np.clip(order / (LARGEST * np.asarray(self.tables.mean)), 0, 1))
            return (2 * share - 1).astype(np.float32)
        low, high = math.exp(-REACH), math.exp(REACH)
        factor = np.clip(point / np.maximum(view.forecast, 1e-3), low, high)
        lot = np.maximum(top - factor * view.forecast, 0) / (view.rate * LOT_DAYS)
        return (np.log(np.concatenate([factor, np.clip(lot, low, high)], axis=1)) / REACH).astype(np.float32)
