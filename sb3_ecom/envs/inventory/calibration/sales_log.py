"""Read any table of sales (date, item, quantity, price) into daily units per item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Column, read_table

COLUMNS = (
    Column(
        option="date", kind="time", names=("date", "invoicedate", "order_date", "day", "timestamp", "time")
    ),
    Column(option="sku", kind="id", names=("sku", "stockcode", "item", "item_id", "product", "product_id")),
    Column(option="quantity", kind="number", names=("quantity", "qty", "units", "sales", "amount")),
    Column(
        option="price",
        kind="number",
        names=("price", "unitprice", "unit_price", "sales_price"),
        required=False,
    ),
)
_DAY = 86_400  # seconds
_MIN_DAYS = 56  # eight weeks: below, neither a weekday profile nor persistence can be told from noise


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Limits that rows and items must keep to be used."""

    sku_pattern: str = ""  # regular expression that an item's id must match from its start
    bulk_quantile: float = 0.99  # lines above this quantile of the item's own lines are cut to it
    min_sale_days: int = 40  # days with a sale that an item needs
    max_items: int = 200  # items kept, evenly spread over the ranking by units sold

    def __post_init__(self) -> None:
        if not 0 < self.bulk_quantile <= 1:
            raise ValueError(f"bulk_quantile must be in (0, 1], got {self.bulk_quantile}")
        if self.min_sale_days < 2:
            raise ValueError(f"min_sale_days must be >= 2, got {self.min_sale_days}")
        if self.max_items < 1:
            raise ValueError(f"max_items must be >= 1, got {self.max_items}")
        try:
            re.compile(self.sku_pattern)
        except re.error as error:
            raise ValueError(
                f"sku_pattern must be a regular expression, got {self.sku_pattern!r}: {error}"
            ) from None


@dataclass(frozen=True, kw_only=True)
class SalesLog:
    """Daily sales of the items that are kept, best seller first."""

    units: NDArray[np.float64]  # (items, days) units a day
    price: NDArray[np.float64]  # (items,) median price, money/unit; 1 where the log has none
    first_day: date
    labels: tuple[str, ...]  # item ids
    dropped: dict[str, str]  # reason -> how much
    rows: int  # rows used
    bulk_share: float  # share of the units that the cut of bulk lines removed

    @property
    def days(self) -> int:
        """Days from the first to the last sale."""
        return int(self.units.shape[1])


def read_sales(
    path: str | Path,
    names: Mapping[str, str | None] | None = None,
    cleaning: Cleaning | None = None,
    **options: Any,
) -> SalesLog:
    """Read and clean a sales table.

    Raises:
        ValueError: if the file cannot be read, or what is left is too little to fit; says what to fix.
    """
    rules = cleaning or Cleaning()
    table = read_table(path, COLUMNS, names, **options)
    if table.time_unit != "seconds":
        raise ValueError(f"{path}: column {table.names['date']!r} (--date) holds an order, not dates")
    dropped = {reason: str(fault) for reason, fault in table.dropped.items()}
    quantity = table.columns["quantity"]
    price = table.columns.get("price", np.ones(table.rows))
    pattern = re.compile(rules.sku_pattern)
    allowed = np.array([pattern.match(label) is not None for label in table.labels["sku"]], dtype=bool)
    kept = np.ones(table.rows, dtype=bool)
    tests = {
        "quantity <= 0 (returns, cancellations)": quantity > 0,
        "price <= 0": price > 0,
        f"sku does not match {rules.sku_pattern!r}": allowed[table.columns["sku"]],
    }
    for reason, passed in tests.items():
        count = int((kept & ~passed).sum())
        if count:
            dropped[reason] = f"{count:,}"
        kept &= passed
    if not kept.any():
        reasons = "; ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise ValueError(f"{path}: no row is left: {reasons}. Check --quantity, --price and --sku-pattern")
    day = np.floor(table.columns["date"][kept] / _DAY).astype(np.int64)
    return _gather(path, rules, day, table.columns["sku"][kept], quantity[kept], price[kept],
                   table.labels["sku"], dropped)  # fmt: skip


def _gather(
    path: str | Path,
    rules: Cleaning,
    day: NDArray[np.int64],
    item: NDArray[Any],
    quantity: NDArray[np.float64],
    price: NDArray[np.float64],
    labels: list[str],
    dropped: dict[str, str],
) -> SalesLog:
    first, days = int(day.min()), int(day.max() - day.min()) + 1
    if days < _MIN_DAYS:
        raise ValueError(
            f"{path} spans {days} day{'s' * (days > 1)}; a weekday profile needs at least {_MIN_DAYS}: "
            "give a longer log, or check --date and --time-format"
        )
    order = np.argsort(item, kind="stable")
    item, day, quantity, price = item[order], day[order] - first, quantity[order], price[order]
    starts = np.flatnonzero(np.r_[True, item[1:] != item[:-1]])
    limits = [np.quantile(part, rules.bulk_quantile) for part in np.split(quantity, starts[1:])]
    cut = np.minimum(quantity, np.repeat(limits, np.diff(np.r_[starts, item.size])))
    index = np.cumsum(np.r_[False, item[1:] != item[:-1]])
    units = np.zeros((starts.size, days))
    np.add.at(units, (index, day), cut)
    prices = np.array([np.median(part) for part in np.split(price, starts[1:])])
    steady = _sold_throughout(units, rules)
    if not steady.any():
        raise ValueError(
            f"{path}: no item was sold on {rules.min_sale_days} days or more: lower --min-sale-days"
        )
    rows = _evenly_ranked(units, np.flatnonzero(steady), rules.max_items)
    dropped["items with too few sale days, or not sold from start to end"] = f"{starts.size - steady.sum():,}"
    dropped["items beyond --max-items, evenly over the ranking"] = f"{steady.sum() - rows.size:,}"
    return SalesLog(
        units=units[rows],
        price=prices[rows],
        first_day=date.fromordinal(date(1970, 1, 1).toordinal() + first),
        labels=tuple(labels[code] for code in item[starts][rows]),
        dropped=dropped,
        rows=item.size,
        bulk_share=float(1 - cut.sum() / quantity.sum()),
    )


def _evenly_ranked(units: NDArray[np.float64], rows: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most `most` of the rows, best seller first, evenly spread over the ranking by units sold."""
    ranked = rows[np.argsort(-units[rows].sum(axis=1), kind="stable")]
    count = min(most, ranked.size)
    return np.asarray(ranked[np.floor((np.arange(count) + 0.5) * ranked.size / count).astype(int)])


def _sold_throughout(units: NDArray[np.float64], rules: Cleaning) -> NDArray[np.bool_]:
    """Return which items were sold from start to end: first and last sale within an eighth of the ends."""
    days = units.shape[1]
    sold = units > 0
    first, last = sold.argmax(axis=1), days - 1 - sold[:, ::-1].argmax(axis=1)
    margin = max(days // 8, 14)
    return np.asarray((sold.sum(axis=1) >= rules.min_sale_days) & (first < margin) & (last >= days - margin))
