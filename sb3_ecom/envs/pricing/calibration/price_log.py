"""Read any table of sales (date, sku, price, quantity) into units and prices by period and product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.checks import check_choice, check_whole
from sb3_ecom.core.tables.options import count_cells
from sb3_ecom.core.tables.reader import Column, Table, read_table
from sb3_ecom.core.tables.stray import find_stray_days
from sb3_ecom.core.tables.times import TimeReading

COLUMNS = (
    Column(
        option="date",
        kind="time",
        names=("date", "invoicedate", "order_date", "day", "week", "timestamp", "datetime", "time"),
    ),
    Column(option="sku", kind="id", names=("sku", "stockcode", "item", "item_id", "product", "product_id")),
    Column(option="price", kind="number", names=("price", "unitprice", "unit_price", "sales_price")),
    Column(
        option="quantity",
        kind="number",
        names=("quantity", "qty", "units", "units_sold", "quantity_sold", "qty_sold", "pieces"),
    ),
    Column(option="instrument", kind="number", names=(), required=False),
)
PERIODS = {"day": 1, "week": 7}  # days
_DAY = 86_400  # seconds
_MIN_PERIODS = 8


@dataclass(frozen=True, kw_only=True)
class PriceLog:
    """Units and prices of the K products that are kept, best seller first, in T periods."""

    units: Floats  # (T, K)
    price: Floats  # (T, K) money, mean over the units sold; the last known one where nothing was sold
    instrument: Floats | None  # (T, K) mean over rows, carried on alike
    seen: NDArray[np.bool_]  # (T, K) a price stands in the log; else it was carried on
    first_day: date
    labels: tuple[str, ...]
    dropped: dict[str, str]  # reason -> how much
    rows: int
    columns: dict[str, str]
    notes: list[str]


def read_prices(
    path: str | Path,
    names: Mapping[str, str | None] | None = None,
    *,
    period: str = "week",
    max_items: int = 8,
    **options: Any,
) -> PriceLog:
    """Read and clean a table of sales.

    Raises:
        ValueError: if the file can not be read, or what is left is too little to fit; says what to fix.
    """
    check_choice("--period", period, PERIODS)
    check_whole("--max-items", max_items, 1, 100, "products")
    options.setdefault("times", TimeReading(local=True))
    columns = COLUMNS if (names or {}).get("instrument") else COLUMNS[:-1]
    known = {column.option: (names or {}).get(column.option) for column in columns}
    table = read_table(path, columns, known, **options)
    if table.time_unit != "seconds":
        raise ValueError(f"{path}: column {table.names['date']!r} (--date) holds an order, not dates")
    dropped = {f"row: {reason}": str(fault) for reason, fault in table.dropped.items()}
    day = np.floor(table.columns["date"] / _DAY).astype(np.int64)
    kept = _keep_rows(path, table, day, dropped)
    place = (day[kept] - day[kept].min()) // PERIODS[period]
    periods = int(place.max()) + 1
    if periods < _MIN_PERIODS:
        raise ValueError(
            f"{path} spans {periods} {period}s; prices and sales need at least {_MIN_PERIODS}: give a longer "
            "log, or check --date and --period"
        )
    return _gather(path, table, kept, place, int(day[kept].min()), max_items, dropped)


def _gather(
    path: str | Path,
    table: Table,
    kept: NDArray[np.bool_],
    place: NDArray[np.int64],
    first: int,
    max_items: int,
    dropped: dict[str, str],
) -> PriceLog:
    """Return units and prices of the best sellers; `place` is the period of each row that is kept."""
    item, quantity = table.columns["sku"][kept].astype(np.int64), table.columns["quantity"][kept]
    total = np.bincount(item, weights=quantity)
    sold = int((total > 0).sum())
    chosen = np.argsort(-total, kind="stable")[: min(max_items, sold)]
    if len(chosen) < sold:
        dropped["product is beyond --max-items, by units sold"] = f"{sold - len(chosen):,}"
    column = np.full(len(total), -1)
    column[chosen] = np.arange(len(chosen))
    use = column[item] >= 0
    cells = _Cells((int(place.max()) + 1, len(chosen)), place[use], column[item[use]])
    rows = np.flatnonzero(kept)[use]
    units = cells.sum(quantity[use])
    return PriceLog(
        units=units,
        price=_carry(cells.sum(quantity[use] * table.columns["price"][rows]), units),
        instrument=_instrument(path, table, rows, cells),
        seen=units > 0,
        first_day=date.fromordinal(date(1970, 1, 1).toordinal() + first),
        labels=tuple(table.labels["sku"][code] for code in chosen),
        dropped=dropped,
        rows=len(rows),
        columns=table.names,
        notes=count_cells(table),
    )


def _keep_rows(
    path: str | Path, table: Table, day: NDArray[np.int64], dropped: dict[str, str]
) -> NDArray[np.bool_]:
    """Return which rows are sales at a price; say in `dropped` how many are not, and why."""
    kept = np.ones(len(day), dtype=bool)
    for reason, failing in (
        ("date is far from all others (stray)", find_stray_days(day)),
        ("price <= 0", ~(table.columns["price"] > 0)),
        ("quantity <= 0 (returns, cancellations)", ~(table.columns["quantity"] > 0)),
    ):
        if (failing & kept).any():
            dropped[reason] = f"{int((failing & kept).sum()):,} rows"
        kept &= ~failing
    if not kept.any():
        reasons = "; ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise ValueError(f"{path}: no row is left: {reasons}. Check --price and --quantity")
    return kept


class _Cells(NamedTuple):
    """Where rows stand in a table of periods and products."""

    shape: tuple[int, int]
    period: NDArray[np.int64]
    product: NDArray[np.int64]

    def sum(self, values: Floats) -> Floats:
        """Return the (T, K) sums of the rows' values."""
        found = np.zeros(self.shape)
        np.add.at(found, (self.period, self.product), values)
        return found


def _instrument(path: str | Path, table: Table, rows: NDArray[np.int64], cells: _Cells) -> Floats | None:
    """Return the (T, K) means of the instrument, carried on where it is missing; None without one."""
    if "instrument" not in table.columns:
        return None
    value = table.columns["instrument"][rows]
    given = np.isfinite(value)
    count = cells.sum(given.astype(np.float64))
    if (count.sum(0) == 0).any():
        raise ValueError(f"{path}: the instrument has no number for some product that is kept")
    return _carry(cells.sum(np.where(given, value, 0.0)), count)


def _carry(total: Floats, count: Floats) -> Floats:
    """Return the (T, K) means; where there is none, the last one before, else the first one after."""
    seen = count > 0
    mean = total / np.where(seen, count, 1.0)
    periods = np.arange(len(mean))[:, None]
    last = np.maximum.accumulate(np.where(seen, periods, -1), axis=0)
    last = np.where(last < 0, seen.argmax(axis=0), last)
    return np.asarray(np.take_along_axis(mean, last, axis=0))
