"""Find what is no daily unit in a table of sales: money, weekly sums, totals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Table

_FRACTIONS = 0.02  # share of quantities that may hold fractions
_SALE_DAYS = 8  # days with a sale, below which an item tells nothing of its weekdays
_CHANGES = 20  # from day to day, below which nothing is said of running totals
_WEEKLY_GAP = 6  # days between the dates of the table, in the median, from which on it is no daily one


def check_plausible(path: str | Path, table: Table, day: NDArray[np.int64]) -> None:
    """Stop on a table that does not hold daily units.

    Raises:
        ValueError: if quantities look like money or dates like weeks; says what to type.
    """
    quantity = table.columns["quantity"]
    parts = quantity != np.floor(quantity)
    if parts.mean() > _FRACTIONS:
        raise ValueError(
            f"{path}: took column {table.names['quantity']!r} for quantity, but {int(parts.sum()):,} of "
            f"{parts.size:,} rows hold fractions (first: row {table.row_numbers[parts.argmax()]:,}): is it "
            "money? Name the column of the units with --quantity, or type --trust-columns if it is right"
        )
    if _looks_running(quantity, day, table.columns["sku"].astype(np.int64)):
        raise ValueError(
            f"{path}: took column {table.names.get('quantity')!r} for quantity, but it never falls from one "
            "day of an item to the next: is it a running total? Give the units of each day, or type "
            "--trust-columns"
        )
    found = f"{path}: took column {table.names['date']!r} for date, but "
    weekly = _looks_weekly(day, table.columns["sku"].astype(np.int64))
    if weekly:
        raise ValueError(
            f"{found}{weekly}? Give one row per sale or per day (--date names another column), or type "
            "--trust-columns if the shop sells that rarely"
        )


def _looks_running(quantity: NDArray[np.float64], day: NDArray[np.int64], item: NDArray[np.int64]) -> bool:
    """Return whether each item's units a day rise again and again and never fall."""
    pairs, code = np.unique(np.stack([item, day]), axis=1, return_inverse=True)
    change = np.diff(np.bincount(code.ravel(), quantity))[np.diff(pairs[0]) == 0]
    return bool(change.size >= _CHANGES and change.min() >= 0 and (change > 0).mean() > 0.5)


def count_repeats(table: Table) -> int:
    """Return how many rows repeat an earlier one in every column that was read."""
    rows = np.stack([np.nan_to_num(values.astype(np.float64), nan=-1.0) for values in table.columns.values()])
    return int(rows.shape[1] - np.unique(rows, axis=1).shape[1])


def _looks_weekly(day: NDArray[np.int64], item: NDArray[np.int64]) -> str:
    """Return why dates look like those of weeks or months, or "" if they do not."""
    dates = np.unique(day)
    if dates.size < 4:
        return ""
    gap = float(np.median(np.diff(dates)))
    if np.unique((dates + 3) % 7).size == 1:
        return f"all {dates.size} dates fall on one weekday: are these weekly sums"
    if gap >= _WEEKLY_GAP:
        return f"its {dates.size} dates lie {gap:.0f} days apart: are these weekly or monthly sums"
    pairs = np.unique(np.stack([item, day]), axis=1)
    days = np.bincount(pairs[0])
    own = np.unique(np.stack([pairs[0], (pairs[1] + 3) % 7]), axis=1)[0]
    often, one = days >= _SALE_DAYS, np.bincount(own, minlength=days.size) == 1
    if often.any() and (often & one).sum() > 0.5 * often.sum():
        count = f"{int((often & one).sum()):,} of {int(often.sum()):,}"
        return f"{count} items sell on one weekday each: are these weekly sums"
    return ""


def find_totals(item: NDArray[np.int64], day: NDArray[np.int64], quantity: NDArray[np.float64]) -> int | None:
    """Return the item that is the sum of all others on every day, as a line "total" is; None if none is.

    Args:
        item: (rows,) of each row.
        day: (rows,) of each row.
        quantity: (rows,) units sold.
    """
    _, date = np.unique(day, return_inverse=True)
    codes, code = np.unique(item, return_inverse=True)
    if codes.size < 3 or date.size == 0 or date.max() + 1 < _SALE_DAYS:
        return None
    most = int(np.bincount(code, quantity).argmax())
    of_all = np.bincount(date, quantity)
    own = np.bincount(date[code == most], quantity[code == most], minlength=of_all.size)
    return int(codes[most]) if np.allclose(2.0 * own, of_all, rtol=1e-6, atol=1e-6) else None
