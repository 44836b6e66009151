"""Planner: a trained buyer's policy orders for a shop, from its own stock, open orders and sales by SKU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.task import Task
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.single_item.env import SingleItemTask
from sb3_ecom.live.day_sales import DaySales, as_date, read_sales
from sb3_ecom.live.forms import refusal
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.shelves import (
    Morning,
    OpenOrder,
    Promotion,
    Shelves,
    ShopShelves,
    SingleItemShelves,
)
from sb3_ecom.live.sku_names import SkuNames, read_hash_key

__all__ = ["DaySales", "Ledger", "Orders", "Planner"]
_KEPT_DAYS = 400  # of a ledger: what a day sold is forgotten by a twentieth a day


class Orders(dict[str, int]):
    """Units to order by SKU, 0 where none are.

    Attributes:
        policy: name and version of what decided.
        reason: what was assumed, or why nothing is ordered; None where nothing was.
    """

    def __init__(self, units: Mapping[str, int], *, policy: str, reason: str | None = None) -> None:
        super().__init__(units)
        self.policy, self.reason = policy, reason


class Planner:
    """Orders for one shop; keeps nothing between calls.

    Args:
        policy: exported folder, loaded.
        skus: the shop's SKUs in the order of the preset; None: the ids in the preset or, where it holds
            none, the items' numbers in it, "1" and up.
        hash_key: file with the key, where the preset's ids are hashed; callers then give the SKUs themselves.

    Raises:
        ValueError: if the policy is of another task, or SKUs or key do not fit the preset.
    """

    def __init__(
        self,
        policy: DeployedPolicy,
        *,
        skus: Sequence[str] | None = None,
        hash_key: str | Path | None = None,
    ) -> None:
        self.deployed, self.task = policy, policy.task
        self.policy = policy.manifest.policy
        self._shelves = _shelves_of(policy.task, policy.manifest.env_id)
        own = self.task.item_ids if isinstance(self.task, ShopTask) else ("1",)
        names = own if skus is None else tuple(map(str, skus))
        if len(names) != len(own):
            raise ValueError(f"skus must hold {len(own)} SKUs, got {len(names)}")
        self._names = SkuNames(names, None if hash_key is None else read_hash_key(hash_key))

    @classmethod
    def load(cls, folder: str | Path, **options: Any) -> Planner:
        """Load an exported folder; options are those of the class.

        Raises:
            ValueError: if the folder is no export, or as the class.
        """
        return cls(DeployedPolicy(folder), **options)

    @property
    def skus(self) -> tuple[str, ...]:
        """SKUs in the order of the preset, hashed where the preset's are."""
        return self._names.names

    def orders(
        self,
        stock: Mapping[str, float],
        on_order: Sequence[OpenOrder] = (),
        sales: Iterable[DaySales | Sequence[Any]] | None = None,
        *,
        today: date | str | None = None,
        promotions: Sequence[Promotion] = (),
    ) -> Orders:
        """Return what to order this morning.

        Args:
            stock: units on the shelf by SKU, all of them, before today's deliveries.
            on_order: (SKU, units, date due) of everything under way, what is due today among them; what is
                late stands under the date on which it is expected now.
            sales: of the last days, oldest first, every day up to yesterday: `DaySales`, or (date,
                {sku: units}, SKUs with an empty shelf that evening). The more days the better; 100 tell
                nearly all. None: the rates are the preset's means, which `reason` says.
            today: date; None takes the computer's.
            promotions: (SKU, first day) of promotions that run, are announced or fell into `sales`.

        Raises:
            ValueError: on an unknown or missing SKU, units below 0 or in parts, an order due in the past or
                beyond the pipeline, or a day of sales that is missing.
        """
        now = date.today() if today is None else as_date(today, "today")
        skus = self._names.all_of(stock, "stock")
        morning = Morning(now, stock, on_order, read_sales(sales), promotions)
        tracked, notes = self._shelves.track(morning, self._names)
        tracker, public = self.task.tracker, self.task.tables.public
        action = self.deployed.act(tracker.observe(tracked, public))
        units = np.ravel(tracker.decode(tracked, action, public))
        counts = {sku: int(count) for sku, count in zip(skus, units, strict=True)}
        return Orders(counts, policy=self.policy, reason="; ".join(notes) or None)

    def open(self, sales: Iterable[DaySales | Sequence[Any]] | None = None) -> Ledger:
        """Open a ledger, which keeps the sales of the past days.

        Raises:
            ValueError: on a day that is missing, an unknown SKU, or units that can not be right.
        """
        return Ledger(self, sales)

    def restore(self, record: Mapping[str, Any]) -> Ledger:
        """Return the ledger that `Ledger.to_record` wrote.

        Raises:
            ValueError: if the record is none of a ledger.
        """
        if not isinstance(record, Mapping) or "sales" not in record:
            raise ValueError(f"record must be one of Ledger.to_record, got {record!r}")
        return Ledger(self, record["sales"])

    def check(self, day: DaySales) -> None:
        """Raise ValueError on an unknown SKU or units that can not be right."""
        self._names.vector(day.sold, f"sales on {day.day}")
        self._names.flags(day.empty or ())


class Ledger:
    """Sales of a shop's past days, kept from morning to morning."""

    def __init__(self, planner: Planner, sales: Iterable[DaySales | Sequence[Any]] | None = None) -> None:
        self._planner = planner
        self._days = read_sales(sales)[-_KEPT_DAYS:]
        for day in self._days:
            planner.check(day)

    def add(self, day: DaySales | Sequence[Any]) -> None:
        """Take note of the day that ended.

        Raises:
            ValueError: if it does not follow the last one, on an unknown SKU, or on units that can not be
                right.
        """
        days = read_sales([*self._days, day])[-_KEPT_DAYS:]
        self._planner.check(days[-1])
        self._days = days

    def orders(
        self,
        stock: Mapping[str, float],
        on_order: Sequence[OpenOrder] = (),
        *,
        today: date | str | None = None,
        promotions: Sequence[Promotion] = (),
    ) -> Orders:
        """Return what to order this morning, as `Planner.orders`."""
        return self._planner.orders(stock, on_order, self._days, today=today, promotions=promotions)

    def to_record(self) -> dict[str, Any]:
        """Return the ledger as JSON takes it; `Planner.restore` reads it."""
        return {"policy": self._planner.policy, "sales": [day.to_record() for day in self._days]}


def _shelves_of(task: Task, env_id: str) -> Shelves:
    if isinstance(task, ShopTask):
        return ShopShelves(task)
    if isinstance(task, SingleItemTask):
        return SingleItemShelves(task)
    raise refusal("Planner", env_id)
