"""Pricer: a trained policy sets a shop's prices over a season, from its own stocks and sales by SKU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.presets import load_product_ids
from sb3_ecom.envs.pricing.season.tracker import Opening, Report
from sb3_ecom.live.forms import refusal
from sb3_ecom.live.manifest import PRESET
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.sku_names import SkuNames, read_hash_key

__all__ = ["Pricer", "Prices", "SellingSeason"]


class Prices(dict[str, float]):
    """Prices by SKU in the preset's money, within the policy's floor and cap.

    Attributes:
        period: number of the period they are for, from 0.
        policy: name and version of what decided.
        reason: what was assumed; None where nothing was.
    """

    def __init__(
        self, money: Mapping[str, float], *, period: int, policy: str, reason: str | None = None
    ) -> None:
        super().__init__(money)
        self.period, self.policy, self.reason = period, policy, reason


class Pricer:
    """Prices for one shop's seasons.

    Args:
        policy: exported folder, loaded.
        skus: the shop's SKUs in the order of the preset; None: the ids in the preset or, where it holds
            none, the products' numbers, "1" and up.
        hash_key: file with the key, where the preset's ids are hashed; callers then give the SKUs themselves.
        decimals: digits after the decimal point of a price; rounding stays within floor and cap.

    Raises:
        ValueError: if the policy is of another task, or SKUs or key do not fit the preset.
    """

    def __init__(
        self,
        policy: DeployedPolicy,
        *,
        skus: Sequence[str] | None = None,
        hash_key: str | Path | None = None,
        decimals: int = 2,
    ) -> None:
        if not isinstance(policy.task, SeasonTask):
            raise refusal("Pricer", policy.env_id)
        self.deployed, self.task, self.policy = policy, policy.task, policy.name
        products = self.task.params.products
        names = _names_of(policy, products) if skus is None else tuple(map(str, skus))
        if len(names) != products:
            raise ValueError(f"skus must hold {products} SKUs, got {len(names)}")
        self.names = SkuNames(names, None if hash_key is None else read_hash_key(hash_key))
        self._decimals, self._low, self._high = _price_bounds(self.task, decimals)

    @classmethod
    def load(cls, folder: str | Path, **options: Any) -> Pricer:
        """Load an exported folder; options are those of the class.

        Raises:
            ValueError: if the folder is no export, or as the class.
        """
        return cls(DeployedPolicy(folder), **options)

    def round(self, factor: Array) -> Array:
        """Return the (1, K) prices of price factors, rounded without leaving floor and cap."""
        money = np.asarray(factor, dtype=np.float64) * np.asarray(self.task.params.price)
        return np.clip(np.round(money, self._decimals), self._low, self._high)

    def open(self, stock: Mapping[str, float]) -> SellingSeason:
        """Open a season with these units by SKU, all of them.

        Raises:
            ValueError: on an unknown or missing SKU, or units below 0 or in parts.
        """
        return SellingSeason(self, stock)

    def restore(self, record: Mapping[str, Any]) -> SellingSeason:
        """Return the season that `SellingSeason.to_record` wrote, where it stood.

        Raises:
            ValueError: if the record is none of a season.
        """
        try:
            season = self.open(record["stock"])
            for call in record["calls"]:
                season.replay(call)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"record must be one of SellingSeason.to_record: {type(error).__name__} {error}"
            ) from error
        return season


class SellingSeason:
    """A running season: prices out, sales in, period by period."""

    def __init__(self, pricer: Pricer, stock: Mapping[str, float]) -> None:
        self._pricer, self._deployed = pricer, pricer.deployed.fresh()
        self._skus = pricer.names.all_of(stock, "stock")
        self._opened = {str(sku): float(units) for sku, units in stock.items()}
        task = pricer.task
        units = pricer.names.vector(stock, "stock")
        self._tracked = task.tracker.open(Opening(units), task.tables.public)
        self._factor: Array | None = None  # of the period whose sales are not known yet
        self._calls: list[dict[str, Any]] = []

    def prices(
        self, sales: Mapping[str, float] | None = None, stock: Mapping[str, float] | None = None
    ) -> Prices:
        """Take note of the last period's sales and return the prices of the next.

        Args:
            sales: units by SKU of the period that ended; a SKU that is not named sold nothing. None for the
                first period, or after one that sold nothing.
            stock: units left by SKU, all of them, where they are not what was there less the sales (returns,
                losses, deliveries).

        Raises:
            ValueError: on an unknown SKU, units that can not be right, more sales than stock, or a season
                that is over.
        """
        if self._factor is not None:
            self._note(sales or {}, stock)
        elif sales:
            raise ValueError("sales must be None for the first period: there are no prices yet")
        task, tracked = self._pricer.task, self._tracked
        period = int(tracked.period[0])
        if period >= task.params.periods:
            raise ValueError(f"the season is over: the policy prices {task.params.periods} periods")
        action = self._deployed.act(task.tracker.observe(tracked, task.tables.public))
        decided = task.tracker.decode(tracked, action, task.tables.public)
        money = self._pricer.round(decided)
        self._factor = (money / np.asarray(task.params.price)).astype(np.float32)
        given = {"sales": sales, "stock": stock}
        kept = {name: None if units is None else dict(units) for name, units in given.items()}
        self._calls.append({**kept, "money": money.tolist()})
        shown = dict(zip(self._skus, (float(each) for each in money[0]), strict=True))
        return Prices(shown, period=period, policy=self._pricer.policy, reason=self._reason())

    def replay(self, call: Mapping[str, Any]) -> None:
        """Take note of a call that was made before: its sales, and the prices that were shown then."""
        if self._factor is not None:
            self._note(call["sales"] or {}, call["stock"])
        money = np.asarray(call["money"], dtype=np.float64)
        task = self._pricer.task
        # A rule that remembers must see the season's observations in order.
        self._deployed.adapter.inputs(task.tracker.observe(self._tracked, task.tables.public))
        self._factor = (money / np.asarray(task.params.price)).astype(np.float32)
        self._calls.append(dict(call))

    def to_record(self) -> dict[str, Any]:
        """Return the season as JSON takes it; `Pricer.restore` reads it."""
        return {"policy": self._pricer.policy, "stock": self._opened, "calls": self._calls}

    def _note(self, sales: Mapping[str, float], stock: Mapping[str, float] | None) -> None:
        names, task = self._pricer.names, self._pricer.task
        sold = names.vector(sales, "sales")
        left = self._tracked.stock - sold
        if stock is not None:
            names.all_of(stock, "stock")
            left = names.vector(stock, "stock")
        elif (left < 0).any():
            sku = self._skus[int((left < 0)[0].argmax())]
            raise ValueError(
                f"sales of {sku!r} must be at most its stock of {self._tracked.stock[0][left[0] < 0][0]:g}, "
                f"got {sold[0][left[0] < 0][0]:g}; give the units left as stock if some came back or in"
            )
        self._tracked = task.tracker.note(self._tracked, self._factor, Report(sold, left), task.tables.public)

    def _reason(self) -> str | None:
        """Return what the policy has not met in training."""
        stock = np.asarray(list(self._opened.values()))
        trained = sum(self._pricer.task.params.stock)
        if not 0.5 * trained <= stock.sum() <= 2 * trained:
            return f"the policy was trained on seasons that open with {trained} units, not {stock.sum():g}"
        return None


def _names_of(policy: DeployedPolicy, products: int) -> tuple[str, ...]:
    """Return the ids of the preset's products, or their numbers."""
    own = PRESET in policy.manifest.files
    preset = policy.folder / PRESET if own else policy.manifest.env_kwargs.get("preset")
    ids = () if preset is None else load_product_ids(preset)
    return ids or tuple(str(number + 1) for number in range(products))


def _price_bounds(task: SeasonTask, decimals: int) -> tuple[int, Array, Array]:
    """Return the decimals, and the lowest and highest price of each product that has no more of them."""
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 6:
        raise ValueError(f"decimals must be a whole number in [0, 6], got {decimals!r}")
    params, unit = task.params, 10**decimals
    low = [math.ceil(price * params.floor * unit - 1e-9) / unit for price in params.price]
    high = [math.floor(price * params.cap * unit + 1e-9) / unit for price in params.price]
    for price, least, most in zip(params.price, low, high, strict=True):
        if least > most:
            raise ValueError(f"decimals must leave a price within floor and cap of {price:g}, got {decimals}")
    return decimals, np.array(low), np.array(high)
