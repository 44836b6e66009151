"""The price of 1000 impressions, from whatever a log of spending holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNITS = ("mille", "impression", "click", "total")

_MEANING = {
    "mille": "the price of 1000 impressions",
    "impression": "the price of one impression (times 1000)",
    "click": "the price of one click (times clicks, by impressions, times 1000)",
    "total": "the spend of a row (by impressions, times 1000)",
}


def price_per_mille(
    columns: Mapping[str, NDArray[Any]], names: Mapping[str, str], unit: str | None, path: str
) -> tuple[NDArray[np.float64], str] | None:
    """Return the price of 1000 impressions in each row (NaN where none was bought), and how it was read.

    Args:
        columns: of the log.
        names: option -> column name in the log.
        unit: of `UNITS`; None: a price is one of 1000 impressions, a cost the spend of a row.
        path: of the log, for messages.

    Returns:
        None where the log holds neither price nor cost.

    Raises:
        ValueError: if the unit needs a column that the log lacks; says what to type.
    """
    option = next((option for option in ("price", "cost") if option in columns), None)
    if option is None:
        return None
    values = np.asarray(columns[option], dtype=np.float64)
    meant = unit or ("mille" if option == "price" else "total")
    needed = {"click": ("clicks", "impressions"), "total": ("impressions",)}.get(meant, ())
    missing = [name for name in needed if name not in columns]
    if missing and unit is None:
        raise ValueError(
            f"{path}: column {names[option]!r} may be a price or a sum, and there are no impressions to "
            f"divide it by: type --price-unit {', '.join(UNITS[:3])} or total, or name --impressions"
        )
    if missing:
        raise ValueError(f"{path}: --price-unit {unit} needs --{' and --'.join(missing)}")
    said = f"took column {names[option]!r} as {_MEANING[meant]}" + (
        "" if unit else "; else name --price-unit"
    )
    if meant in ("mille", "impression"):
        return values * (1.0 if meant == "mille" else 1000.0), said
    shown = np.asarray(columns["impressions"], dtype=np.float64)
    spent = values * columns["clicks"] if meant == "click" else values
    return np.where(shown > 0, 1000.0 * spent / np.where(shown > 0, shown, 1.0), np.nan), said
