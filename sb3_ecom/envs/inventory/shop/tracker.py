"""Books, observations and orders of a web shop's buyer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.shop.demand_params import YEAR
from sb3_ecom.envs.inventory.shop.promotions import lift, lift_ahead
from sb3_ecom.envs.inventory.shop.rate_estimates import calendar_factor, rate_factor, update
from sb3_ecom.envs.inventory.shop.tables import PublicTables

LOG_RANGE = 1.5  # the multipliers of an action are exp(-1.5) to exp(1.5)
LOT_DAYS = 7.0  # days of demand in a lot at action 0
MAX_ORDER_DAYS = 14.0  # days of demand in the largest order of action="quantity"


class StockReport(NamedTuple):
    """Report of the warehouse system when a day opens; the last three fields are of the day before."""

    weekday: Array  # (n,) float32, 0 = Monday
    day: Array  # (n,) float32 day of the year
    on_hand: Array  # (n, N) whole units
    pipeline: Array  # (n, N, max_lead_time) units on order; column 0 arrives at the end of this day
    promotion_day: Array | None  # (n, N) days since a promotion began, negative = announced; None: no option
    sales: Array  # (n, N) units; these three are None when an episode opens
    stock_out: Array  # (n, N) bool: the shelf was empty in the evening, before deliveries
    delivered: Array  # (n, N) units that the supplier brought, with those that found no room


class Tracked(NamedTuple):
    """A buyer's books when a day opens."""

    weekday: Array  # (n,) float32, 0 = Monday
    day: Array  # (n,) float32 day of the year
    on_hand: Array  # (n, N) whole units
    pipeline: Array  # (n, N, max_lead_time) units on order; column 0 arrives at the end of this day
    promotion_day: Array | None  # (n, N) days since a promotion began, negative = announced
    under_way: Array  # (n, N) units in the pipeline
    sold: Array  # (n, N) units sold, old days discounted
    exposure: Array  # (n, N) units that an item of mean rate would have sold in the same days on the shelf
    history: Array  # (n, days, 1 + 2N) valid, log(1 + sales / mean), shelf was empty


@dataclass(frozen=True, kw_only=True)
class ShopTracker:
    """Estimates drifting rates from sales and stock-outs; decodes reorder points and lots, or quantities."""

    action: str  # reorder, quantity
    items: int  # N
    span: int  # most days that an order must last, in the mean
    capacity: float  # units that the storage holds
    dispatches_daily: bool  # orders leave on every weekday
    promotion_days: int  # length of a promotion
    promotion_uplift: float  # mean factor of demand under promotion

    def open(self, event: StockReport, tables: PublicTables) -> Tracked:
        """Return the books with which n episodes open."""
        xp = array_namespace(event.on_hand)
        none = xp.zeros_like(event.on_hand)
        return Tracked(
            *event[:5],
            under_way=xp.sum(event.pipeline, axis=2),
            sold=none,
            exposure=none + 0.0,
            history=none[:, :1, None] + xp.zeros_like(tables.blank),
        )

    def note(self, tracked: Tracked, decision: Array, event: StockReport, tables: PublicTables) -> Tracked:
        """Return the books after a day: what was ordered, delivered and sold."""
        xp = array_namespace(event.sales)
        factor = calendar_factor(tables.calendar, tracked.weekday, tracked.day)
        if tracked.promotion_day is not None:
            factor = factor * lift(tracked.promotion_day, self.promotion_uplift)
        books = (tracked.sold, tracked.exposure)
        sold, exposure = update(*books, event.sales, event.stock_out, factor, tables)
        valid = xp.ones_like(event.sales[:, :1])
        empty = xp.astype(event.stock_out, xp.float32)
        row = xp.concat([valid, xp.log(1.0 + event.sales / tables.mean), empty], axis=1)
        return Tracked(
            *event[:5],
            under_way=tracked.under_way + decision - event.delivered,
            sold=sold,
            exposure=exposure,
            history=xp.concat([tracked.history[:, 1:], row[:, None, :]], axis=1),
        )

    def demand_to_cover(self, tracked: Tracked, tables: PublicTables, uplift: Array | None = None) -> Array:
        """Return the (n, N) units expected until an order placed now is there, at the mean rate.

        `uplift`, (n, N), takes the place of promotions' mean uplift.
        """
        at_mean_rate = calendar_factor(tables.ahead, tracked.weekday, tracked.day) * tables.mean
        if tracked.promotion_day is None:
            return at_mean_rate
        factor = self.promotion_uplift if uplift is None else uplift
        return at_mean_rate * lift_ahead(tracked.promotion_day, factor, self.span, self.promotion_days)

    def decode(self, tracked: Tracked, action: Array, tables: PublicTables) -> Array:
        """Return the (n, N) whole units to order."""
        xp = array_namespace(tracked.on_hand)
        if self.action == "quantity":
            share = (action + 1.0) * 0.5
            wanted = xp.round(share * share * (MAX_ORDER_DAYS * tables.mean))
        else:
            factors = xp.exp(action * LOG_RANGE)
            rate = rate_factor(tracked.sold, tracked.exposure, tables)
            position = tracked.on_hand + tracked.under_way
            point = factors[:, : self.items] * (self.demand_to_cover(tracked, tables) * rate)
            lot = factors[:, self.items :] * (rate * (tables.mean * LOT_DAYS))
            wanted = positive(xp.ceil(point + lot - position)) * (position <= point)
        if self.dispatches_daily:
            return wanted
        return wanted * tables.dispatch[xp.astype(tracked.weekday, xp.int64)][:, None]

    def observe(self, tracked: Tracked, tables: PublicTables) -> Array:
        """Return context and history, flat."""
        xp = array_namespace(tracked.on_hand)
        weekday = xp.astype(tracked.weekday[:, None] == tables.week, xp.float32)
        angle = tracked.day[:, None] * (2 * math.pi / YEAR)
        soon = tracked.pipeline[:, :, 0] + tracked.pipeline[:, :, 1] + tracked.pipeline[:, :, 2]
        position = tracked.on_hand + tracked.under_way
        share = tables.each * (1 / self.capacity)
        rate = rate_factor(tracked.sold, tracked.exposure, tables)
        cover = (position + 1.0) / (self.demand_to_cover(tracked, tables) * rate + 1.0)
        parts = [
            weekday,
            xp.sin(angle),
            xp.cos(angle),
            xp.clip(tracked.on_hand @ share, None, 20.0)[:, None],  # a tiny storage holds days of nothing
            xp.clip(position @ share, None, 20.0)[:, None],
            xp.log(1.0 + tracked.on_hand / tables.mean),  # several times faster than log1p
            xp.log(1.0 + tracked.under_way / tables.mean),
            xp.log(1.0 + soon / tables.mean),
            xp.log(rate),
            xp.log(cover),
        ]
        if tracked.promotion_day is not None:
            parts += self._promotion_features(xp, tracked.promotion_day)
        parts.append(xp.reshape(tracked.history, (tracked.on_hand.shape[0], -1)))
        return xp.concat(parts, axis=1)

    def _promotion_features(self, xp: Any, since: Array) -> list[Array]:
        """Return the rest of a running promotion, and how much of the time to cover is under promotion."""
        rest = (self.promotion_days - since) * (1 / self.promotion_days)
        return [
            rest * xp.astype(since >= 0, xp.float32),
            lift_ahead(since, 2.0, self.span, self.promotion_days) - 1.0,
        ]
