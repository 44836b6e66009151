"""Stop on tables that hold no daily units: money, weekly sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Table

_FRACTIONS = 0.02  # share of quantities that may hold fractions
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
    dates = np.unique(day)
    if dates.size < 4:
        return
    found = f"{path}: took column {table.names['date']!r} for date, but "
    weekdays = np.unique((dates + 3) % 7).size
    gap = float(np.median(np.diff(dates)))
    if weekdays == 1:
        found += f"all {dates.size} dates fall on one weekday: are these weekly sums?"
    elif gap >= _WEEKLY_GAP:
        found += f"its {dates.size} dates lie {gap:.0f} days apart: are these weekly or monthly sums?"
    else:
        return
    raise ValueError(
        f"{found} Give one row per sale or per day (--date names another column), or type --trust-columns if "
        "the shop sells that rarely"
    )
