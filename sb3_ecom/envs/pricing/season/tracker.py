"""Tracked state of a shop in a season: stocks, own prices and sales, and what they tell of demand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, cut, zeros
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.pricing.season.dynamics import Tables

SHARED = 2  # floats of context before those per product
OWN = 5  # floats of context per product
_PICTURE = 60  # most periods that a picture shows
_SOLD_SCALE = 0.25  # of log(1 + units) in the history


class Opening(NamedTuple):
    """Public event that opens a season."""

    stock: Array  # (n, K) units


class Report(NamedTuple):
    """Public event of a period."""

    sales: Array  # (n, K) units
    stock: Array  # (n, K) units left


class Tracked(NamedTuple):
    """State that follows from public events."""

    period: Array  # (n,) float32, periods that have passed
    stock: Array  # (n, K) units
    factor: Array  # (n, K) price factors of the last period, 1 before the first
    offered: Array  # (n, K) periods in which the product was on offer
    sold: Array  # (n, K) units so far
    log_factor: Array  # (n, K) sum of log price factors over the periods on offer
    path: Array  # (n, kept, 1 + 2 K): valid, log price factor, log units sold; newest last


@dataclass(frozen=True)
class SeasonTracker:
    """Turns prices and sales into observations, and actions into price factors within floor and cap."""

    grid: bool  # actions are price levels, the same for every product
    products: int
    periods: int
    floor: float
    cap: float
    levels: int  # of the grid
    steps: int  # periods of history that the observation shows

    @property
    def kept(self) -> int:
        """Periods that are remembered: those of the observation, and a season for its picture."""
        return max(self.steps, min(self.periods, _PICTURE))

    def open(self, event: Opening, tables: Tables) -> Tracked:
        """Return seasons before their first period."""
        xp = array_namespace(event.stock)
        none = xp.zeros_like(event.stock)
        path = zeros(none, none.shape[0], self.kept, 1 + 2 * self.products)
        return Tracked(
            none[:, 0] * 1.0,
            event.stock * 1.0,
            none + 1.0,
            none * 1.0,
            none * 1.0,
            none * 1.0,
            path,
        )

    def decode(self, tracked: Tracked, action: Array, tables: Tables) -> Array:
        """Return the (n, K) price factors; none is below the floor or above the cap, whatever the action."""
        xp = array_namespace(tracked.stock)
        if self.grid:
            place = xp.astype(action, xp.float32)[:, None] / (self.levels - 1) + tracked.stock * 0.0
        else:
            place = (action + 1.0) * 0.5
        factor = self.floor * xp.exp(math.log(self.cap / self.floor) * place)
        return cut(factor, self.floor, self.cap)

    def to_place(self, factor: Array) -> Array:
        """Return where price factors lie between floor (0) and cap (1), on the log scale of actions."""
        xp = array_namespace(factor)
        return xp.log(xp.clip(factor, self.floor, self.cap) / self.floor) / math.log(self.cap / self.floor)

    def note(self, tracked: Tracked, decision: Array, event: Report, tables: Tables) -> Tracked:
        """Return the state after a period at these price factors."""
        xp = array_namespace(event.sales)
        offered = xp.astype(tracked.stock > 0, xp.float32)
        log_factor = xp.log(decision)
        valid = event.sales[:, :1] * 0.0 + 1.0
        row = xp.concat([valid, log_factor, xp.log(1.0 + event.sales) * _SOLD_SCALE], axis=1)
        return Tracked(
            tracked.period + 1.0,
            event.stock * 1.0,
            decision * 1.0,
            tracked.offered + offered,
            tracked.sold + event.sales,
            tracked.log_factor + log_factor * offered,
            xp.concat([tracked.path[:, 1:], row[:, None, :]], axis=1),
        )

    def observe(self, tracked: Tracked, tables: Tables) -> Array:
        """Return (n, d) observations, as `SeasonTask` describes them."""
        xp = array_namespace(tracked.stock)
        rest = (1.0 - tracked.period / self.periods)[:, None]
        share = tracked.stock / tables.stock
        pace = tracked.sold / (tracked.offered + 1.0)
        ahead = tracked.stock / (rest * self.periods + 1.0)
        parts = (
            rest,
            (share @ tables.each * (1 / self.products))[:, None],
            share,
            xp.log(tracked.factor),
            tracked.log_factor / (tracked.offered + 1.0),
            xp.log(1.0 + pace),
            xp.log((ahead + 0.1) / (pace + 0.1)) * 0.5,
            xp.reshape(tracked.path[:, -self.steps :], (rest.shape[0], -1)),
        )
        return xp.concat(parts, axis=1)


def units_of(log_sold: Array) -> Array:
    """Return the whole units that a row of history shows."""
    xp = array_namespace(log_sold)
    return xp.round(xp.exp(log_sold / _SOLD_SCALE) - 1.0)


class View(NamedTuple):
    """What an observation shows, in units."""

    periods_left: Array  # (n,)
    stock: Array  # (n, K) units
    factor: Array  # (n, K) price factors of the last period
    mean_log_factor: Array  # (n, K) of the season so far
    first: Array  # (n,) bool: no period has passed
    sales: Array  # (n, K) units of the last period


def layout(products: int, steps: int) -> Layout:
    """Return the layout of observations."""
    return Layout(context=SHARED + OWN * products, steps=steps, features=1 + 2 * products)


def read_view(observation: Array, tables: Tables, periods: int) -> View:
    """Return the shop's view that (n, d) observations hold: whole units are rounded back."""
    xp = array_namespace(observation)
    k = tables.price.shape[0]
    context = observation[:, SHARED : SHARED + OWN * k]
    newest = observation[:, -(1 + 2 * k) :]
    share, log_factor, summed = (context[:, part * k : (part + 1) * k] for part in range(3))
    return View(
        xp.round(observation[:, 0] * periods),
        xp.round(share * tables.stock),
        xp.exp(log_factor),
        summed,
        newest[:, 0] < 0.5,
        units_of(newest[:, 1 + k :]),
    )
