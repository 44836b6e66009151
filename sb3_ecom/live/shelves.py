"""Stock, open orders and sales by SKU as the tracked state of a buyer's policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.promotions import IDLE
from sb3_ecom.envs.inventory.shop.tracker import StockReport
from sb3_ecom.envs.inventory.single_item import dynamics
from sb3_ecom.envs.inventory.single_item.env import SingleItemTask
from sb3_ecom.live.day_sales import DaySales, as_date, calendar_day, check_last_day
from sb3_ecom.live.sku_names import SkuNames

OpenOrder = tuple[str, float, Any]  # SKU, units, date on which they are due
Promotion = tuple[str, Any]  # SKU, first day
_FULL = 3.0  # times the storage; more is said


class Morning(NamedTuple):
    """What a shop knows when it orders."""

    today: date
    stock: Mapping[str, float]
    on_order: Sequence[OpenOrder]
    sales: Sequence[DaySales]
    promotions: Sequence[Promotion]


class Shelves(Protocol):
    """Turns a morning into the tracked state of a task."""

    def track(self, morning: Morning, names: SkuNames) -> tuple[Any, list[str]]:
        """Return the tracked state and what had to be assumed."""


class ShopShelves:
    """Those of EcomInventory-v0: the tracker folds the sales of the past days over today's stock."""

    def __init__(self, task: ShopTask) -> None:
        self._task = task

    def track(self, morning: Morning, names: SkuNames) -> tuple[Any, list[str]]:
        """Return the tracked state and what had to be assumed.

        Raises:
            ValueError: on an unknown SKU, units that can not be right, an order that is due in the past or
                later than any of the simulator, sales that do not end yesterday, or promotions that the
                policy knows nothing of.
        """
        task, days, today = self._task, morning.sales, morning.today
        check_last_day(days, today)
        if morning.promotions and not task.params.promotion_rate:
            raise ValueError(f"this policy was trained without promotions, got {len(morning.promotions)}")
        begun = [
            (names.number(sku), as_date(start, "start of a promotion")) for sku, start in morning.promotions
        ]
        on_hand = names.vector(morning.stock, "stock")
        lanes = pipeline(morning.on_order, names, today, columns=task.params.max_lead_time)
        none = np.zeros_like(on_hand)

        def report(day: date, past: DaySales | None) -> StockReport:
            weekday, number = (np.array([part], np.float32) for part in calendar_day(day))
            since = self._since(day, begun) if task.params.promotion_rate else None
            if past is None:
                return StockReport(weekday, number, on_hand, lanes, since, None, None, None)
            sold = names.vector(past.sold, f"sales on {past.day}")
            empty = names.flags(past.empty or ())
            return StockReport(weekday, number, on_hand, lanes, since, sold, empty, none)

        tracker, public = task.tracker, task.tables.public
        tracked = tracker.open(report(days[0].day if days else today, None), public)
        for past in days:
            # Stock and orders of today stand in for those of the past: the books keep the last ones alone.
            tracked = tracker.note(tracked, none, report(past.day + timedelta(days=1), past), public)
        return tracked, self._notes(morning, float(tracked.on_hand.sum() + tracked.under_way.sum()))

    def _since(self, day: date, begun: Iterable[tuple[int, date]]) -> Array:
        """Return the (1, N) days since promotions began, negative where one is announced."""
        params = self._task.params
        since = np.full((1, params.demand.items), IDLE, np.float32)
        for number, start in begun:
            passed = (day - start).days
            if -params.promotion_notice <= passed < params.promotion_days:
                since[0, number] = passed
        return since

    def _notes(self, morning: Morning, units: float) -> list[str]:
        params, days, notes = self._task.params, morning.sales, []
        if not days:
            notes.append("no sales history: the rates are the preset's means")
        elif len(days) < params.history:
            notes.append(f"{len(days)} days of sales, the policy looks at {params.history}")
        if any(day.empty is None for day in days):
            notes.append("stock-outs of past days are not known: counted as none")
        if morning.today.weekday() not in params.dispatch_days:
            notes.append(f"no orders leave on {morning.today:%A}")
        if units > _FULL * params.capacity:
            notes.append(
                f"stock and open orders ({units:g}) are far beyond the storage ({params.capacity:g})"
            )
        return notes


class SingleItemShelves:
    """Those of EcomLostSales-v0 and EcomSetupCost-v0: one item, whose stock report says all."""

    def __init__(self, task: SingleItemTask) -> None:
        self._params = task.params

    def track(self, morning: Morning, names: SkuNames) -> tuple[Any, list[str]]:
        """Return the stock report; sales are not needed.

        Raises:
            ValueError: on an unknown SKU, units that can not be right, or an order that is due in the past or
                beyond the lead time.
        """
        if morning.promotions:
            raise ValueError(f"this policy was trained without promotions, got {len(morning.promotions)}")
        backlog = self._params.unmet == "backlog"
        on_hand = names.vector(morning.stock, "stock", negative=backlog)[:, 0]
        columns = max(self._params.lead_time, 1)
        lanes = pipeline(morning.on_order, names, morning.today, columns=columns)[:, 0]
        # What is due today can still be sold today: the policy's stock is that after deliveries.
        return dynamics.State(on_hand + lanes[:, 0], lanes[:, 1:]), []


def pipeline(on_order: Iterable[OpenOrder], names: SkuNames, today: date, *, columns: int) -> Array:
    """Return the (1, N, columns) float32 units on order; column 0 is due today.

    Raises:
        ValueError: on an order that is due before or after these days, an unknown SKU, or units that can not
            be right.
    """
    lanes = np.zeros((1, len(names), columns), np.float32)
    for order in on_order:
        try:
            sku, units, when = order
        except (TypeError, ValueError):
            raise ValueError(f"an open order must be (sku, units, due date), got {order!r}") from None
        ((number, count),) = names.units({sku: units}, "units on order").items()
        due = as_date(when, f"due date of {sku!r}")
        column = (due - today).days
        if not 0 <= column < columns:
            said = (
                "in the past: name the day on which they are expected now"
                if column < 0
                else f"beyond the longest lead time, {columns} days"
            )
            last = today + timedelta(days=columns - 1)
            raise ValueError(
                f"{count:g} units of {sku!r} must be due in [{today}, {last}], got {due}, {said}"
            )
        lanes[0, number, column] += count
    return lanes
