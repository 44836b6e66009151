"""Read any table of sales (date, item, quantity, price) into daily units per item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.options import count_cells
from sb3_ecom.core.tables.private import rough_sum
from sb3_ecom.core.tables.reader import Column, Table, read_table
from sb3_ecom.core.tables.stray import find_stray_days
from sb3_ecom.core.tables.times import TimeReading
from sb3_ecom.envs.inventory.calibration.returns import net_returns
from sb3_ecom.envs.inventory.calibration.sales_calendar import MIN_DAYS
from sb3_ecom.envs.inventory.calibration.sales_checks import check_plausible, count_repeats, find_totals
from sb3_ecom.envs.inventory.calibration.sales_items import choose_items, median_prices

COLUMNS = (
    Column(
        option="date",
        kind="time",
        names=(
            *("date", "invoicedate", "order_date", "sale_date", "sales_date", "transaction_date", "day"),
            *("timestamp", "datetime", "created_at", "time"),
        ),
    ),
    Column(
        option="sku",
        kind="id",
        names=("sku", "stockcode", "item", "item_id", "product", "product_id", "lineitem_sku"),
    ),
    Column(
        option="quantity",
        kind="number",
        names=(
            "quantity",
            "qty",
            "units",
            "units_sold",
            "quantity_sold",
            "qty_sold",
            "pieces",
            "lineitem_quantity",
        ),
    ),
    Column(
        option="price",
        kind="number",
        names=("price", "unitprice", "unit_price", "sales_price", "lineitem_price"),
        required=False,
    ),
    Column(
        option="customer",
        kind="id",
        names=("customer_id", "customer", "user_id", "buyer_id", "client_id"),
        required=False,
    ),
)
_DAY = 86_400  # seconds
_REPEATS = 0.3  # share of rows from which repeated ones are said
_MIN_OPEN = 0.25  # share of days on which the kept items sell anything


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Choice of the rows and items that are used."""

    sku_pattern: str = ""  # regular expression that an item's id must match from its start
    bulk_quantile: float = 0.99  # lines above this quantile of the item's own lines are cut to it
    min_sale_days: int = 40  # days with a sale that an item needs
    max_items: int = 200  # items kept, evenly spread over the ranking by units sold
    min_customers: int = 5  # distinct customers of an item, or rows where the log names none
    returns: Literal["drop", "net"] = "drop"  # negative quantities: left out, or taken off earlier sales
    count_rows: bool = False  # each row is one unit: the log has no quantity
    trust_columns: bool = False  # fit although the quantities look like money, or the dates weekly

    def __post_init__(self) -> None:
        if not 0 < self.bulk_quantile <= 1:
            raise ValueError(f"bulk_quantile must be in (0, 1], got {self.bulk_quantile}")
        if self.min_sale_days < 2:
            raise ValueError(f"min_sale_days must be >= 2, got {self.min_sale_days}")
        if self.min_customers < 1:
            raise ValueError(f"min_customers must be >= 1, got {self.min_customers}")
        if self.returns not in ("drop", "net"):
            raise ValueError(f"returns must be drop or net, got {self.returns!r}")
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
    columns: dict[str, str]  # option -> the log's own column name
    notes: list[str]  # what the user should know
    unused: list[str]  # columns that were not taken for anything

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
    options.setdefault("times", TimeReading(local=True))
    table = _read(path, names or {}, rules, options)
    if table.time_unit != "seconds":
        raise ValueError(
            f"{path}: column {table.names['date']!r} (--date) holds an order, not dates: weekdays and "
            "seasons need the dates themselves; write day 1, 2, ... of the log as YYYY-MM-DD"
        )
    dropped = {f"row: {reason}": str(fault) for reason, fault in table.dropped.items()}
    rows = _Rows(table)
    if not rules.trust_columns:
        check_plausible(path, table, rows.day)
    notes = count_cells(table)
    repeats = 0 if rules.count_rows else count_repeats(table)
    if repeats > _REPEATS * table.rows:
        notes.append(f"{repeats:,} rows repeat another one: is the log in the file twice? All of them count")
    stray = find_stray_days(rows.day)
    if stray.any():
        notes.append(f"stray dates, far from all others: first in row {table.row_numbers[stray.argmax()]:,}")
    rows.drop("date is far from all others (stray)", stray, dropped)
    total = find_totals(rows.item, rows.day, rows.quantity)
    if total is not None:
        rows.drop("item is the sum of all others on every day (a total)", rows.item == total, dropped)
    pattern = re.compile(rules.sku_pattern)
    allowed = np.array([pattern.match(label) is not None for label in table.labels["sku"]], dtype=bool)
    rows.drop(f"sku does not match {rules.sku_pattern!r}", ~allowed[rows.item], dropped)
    rows.drop("price <= 0", rows.price <= 0, dropped)
    if rules.returns == "net":
        left, unmatched = net_returns(rows.item, rows.day, rows.quantity)
        notes.append(
            f"returns were netted: {rough_sum(rows.quantity[rows.quantity > 0].sum() - left.sum())} units "
            f"taken off earlier sales; {rough_sum(unmatched)} returned units have no earlier sale in the log"
        )
        sold_out = (rows.quantity > 0) & (left <= 0)
        rows.drop("quantity <= 0 (returns, netted)", rows.quantity <= 0, dropped, left, sold_out)
    else:
        rows.drop("quantity <= 0 (returns, cancellations)", rows.quantity <= 0, dropped)
    if not rows.item.size:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise ValueError(f"{path}: no row is left: {reasons}. Check --quantity, --price and --sku-pattern")
    return _gather(path, rules, rows, table, dropped, notes)


def _read(
    path: str | Path, names: Mapping[str, str | None], rules: Cleaning, options: Mapping[str, Any]
) -> Table:
    """Read the table; where its rows are units, each one gets a quantity of 1."""
    if not rules.count_rows:
        try:
            return read_table(path, COLUMNS, names, **options)
        except ValueError as error:
            if "known as quantity" not in str(error):
                raise
            raise ValueError(f"{error}; if each row is one unit sold, type --count-rows") from None
    if names.get("quantity") is not None:
        raise ValueError("--count-rows takes each row for one unit: do not name --quantity")
    columns = [column for column in COLUMNS if column.option != "quantity"]
    table = read_table(path, columns, names, **options)
    table.columns["quantity"] = np.ones(table.rows)
    table.notes.append("each row was taken for one unit (--count-rows)")
    return table


class _Rows:
    """The rows still in use."""

    def __init__(self, table: Table) -> None:
        self.day = np.floor(table.columns["date"] / _DAY).astype(np.int64)
        self.item = table.columns["sku"].astype(np.int64)
        self.quantity = table.columns["quantity"]
        self.price = table.columns.get("price", np.ones(table.rows))
        self.customer = table.columns.get("customer")
        if self.customer is not None:  # who is not named is nobody else
            nameless = np.array([label == "" for label in table.labels["customer"]], dtype=bool)
            code = self.customer.astype(np.int64)
            self.customer = np.where(nameless[code], -1 - np.arange(code.size), code)

    def drop(
        self,
        reason: str,
        failing: NDArray[np.bool_],
        dropped: dict[str, str],
        quantity: NDArray[np.float64] | None = None,
        silent: NDArray[np.bool_] | None = None,
    ) -> None:
        """Drop rows, and say how many rows, items and units that are; `silent` ones are not said."""
        if failing.any():
            items, units = np.unique(self.item[failing]).size, np.abs(self.quantity[failing]).sum()
            dropped[reason] = f"{int(failing.sum()):,} rows of {items:,} items, {rough_sum(units)} units"
        if quantity is not None:
            self.quantity = quantity
        kept = ~failing if silent is None else ~failing & ~silent
        self.day, self.item = self.day[kept], self.item[kept]
        self.quantity, self.price = self.quantity[kept], self.price[kept]
        self.customer = None if self.customer is None else self.customer[kept]


def _gather(
    path: str | Path, rules: Cleaning, rows: _Rows, table: Table, dropped: dict[str, str], notes: list[str]
) -> SalesLog:
    first, days = int(rows.day.min()), int(rows.day.max() - rows.day.min()) + 1
    if days < MIN_DAYS:
        raise ValueError(
            f"{path} spans {days} day{'s' * (days > 1)}; a weekday profile needs at least {MIN_DAYS}: "
            "give a longer log, or check --date and --time-format"
        )
    order = np.argsort(rows.item, kind="stable")
    item, day, quantity = rows.item[order], rows.day[order] - first, rows.quantity[order]
    starts = np.flatnonzero(np.r_[True, item[1:] != item[:-1]])
    limits = [np.quantile(part, rules.bulk_quantile) for part in np.split(quantity, starts[1:])]
    cut = np.minimum(quantity, np.repeat(limits, np.diff(np.r_[starts, item.size])))
    units = np.zeros((starts.size, days))
    np.add.at(units, (np.cumsum(np.r_[False, item[1:] != item[:-1]]), day), cut)
    prices = median_prices(np.split(rows.price[order], starts[1:]), notes)
    named = np.arange(item.size) if rows.customer is None else rows.customer[order]
    people = "rows" if rows.customer is None else "customers"
    customers = np.array([np.unique(part).size for part in np.split(named, starts[1:])])
    few = customers < rules.min_customers
    private = {f"item has fewer than {rules.min_customers} {people} (--min-customers)": few}
    chosen = choose_items(path, rules.min_sale_days, rules.max_items, units, private, dropped)
    share = float((units[chosen].sum(axis=0) > 0).mean())
    if share < _MIN_OPEN:
        raise ValueError(
            f"{path}: the {chosen.size} items left sell on {share:.0%} of {days} days, all together; "
            f"a daily model needs >= {_MIN_OPEN:.0%}: let more items in (--min-sale-days, --max-items, "
            "--sku-pattern)"
        )
    return SalesLog(
        units=units[chosen],
        price=prices[chosen],
        first_day=date.fromordinal(date(1970, 1, 1).toordinal() + first),
        labels=tuple(table.labels["sku"][code] for code in item[starts][chosen]),
        dropped=dropped,
        rows=item.size,
        bulk_share=float(1 - cut.sum() / quantity.sum()),
        columns=table.names,
        notes=notes,
        unused=[*table.describe_unused(), *_warn_of_status(table)],
    )


def _warn_of_status(table: Table) -> list[str]:
    """Say that a column of order states was not read."""
    named = [name for name in table.unused if re.search(r"status$", name.strip(), re.IGNORECASE)]
    return [
        f"column {name!r} was not read: rows of cancelled orders, if there are any, count as sales"
        for name in named
    ]
