"""Rows of an advertising export as its hours and units: totals left out, date and hour put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Dropped, Table

_COUNTS = ("impressions", "cost", "clicks", "conversions", "traffic")
_MOST_TOTALS = 5  # rows at the end: of the search, of the account, ...
_ROUNDING = 1e-3  # share by which a total may miss the sum of rounded rows
_DAY = 86_400.0  # seconds


def drop_totals(table: Table) -> Table:
    """Return the table without the totals that reports end with: rows that sum up all rows above them."""
    counts = np.stack([table.columns[name] for name in _COUNTS if name in table.columns] or [np.zeros(0)])
    totals = _count_totals(np.nan_to_num(counts))
    if not totals:
        return table
    first = int(table.row_numbers[-totals])
    return replace(
        table,
        columns={option: values[:-totals] for option, values in table.columns.items()},
        row_numbers=table.row_numbers[:-totals],
        lost={reason: cells for reason, cells in table.lost.items() if cells.row < first},
        dropped=table.dropped | {"row is the total of the rows above": Dropped(count=totals, row=first)},
        notes=[
            *table.notes,
            f"left out {totals} row{'s' * (totals > 1)} of totals at the end (first: row {first:,})",
        ],
    )


def _count_totals(counts: NDArray[np.float64]) -> int:
    """Return how many of the last rows are totals, or sums of parts beside one; (columns, rows) of counts."""
    rows = counts.shape[1]
    for totals in range(min(_MOST_TOTALS, rows - 3), 0, -1):
        above, below = counts[:, : rows - totals], counts[:, rows - totals :]
        sums = above.sum(axis=1)
        known = sums > above.max(axis=1)  # more than one row counts anything
        if (
            known.any()
            and (np.abs(below[known] - sums[known, None]) <= _ROUNDING * sums[known, None]).all(0).any()
        ):
            return totals
    return 0


def forget_weekdays(table: Table) -> Table:
    """Return the table without a column "day" that was taken for the time and holds no dates."""
    fault = table.lost.get("time is not a time")
    no_date = table.time_unit != "seconds" or (fault is not None and 2 * fault.count > table.rows_read)
    if table.names.get("time", "").lower() != "day" or not no_date:
        return table
    return replace(
        table,
        columns={option: values for option, values in table.columns.items() if option != "time"},
        names={option: name for option, name in table.names.items() if option != "time"},
        lost={reason: cells for reason, cells in table.lost.items() if not reason.startswith("time ")},
        unused=(*table.unused, table.names["time"]),
    )


def add_hours(table: Table) -> Table:
    """Return the table with the hour of the day added to times that are dates alone."""
    columns = table.columns
    if (
        "time" not in columns
        or "hour" not in columns
        or table.time_unit != "seconds"
        or not only_dates(table)
    ):
        return table
    hour = np.where((columns["hour"] >= 0) & (columns["hour"] <= 23), columns["hour"], np.nan)
    return replace(table, columns=columns | {"time": columns["time"] + 3600.0 * hour})


def only_dates(table: Table) -> bool:
    """Return whether no time names an hour."""
    time = table.columns["time"]
    return not np.any(time[np.isfinite(time)] % _DAY)
