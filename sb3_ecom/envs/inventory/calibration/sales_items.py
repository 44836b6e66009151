"""The items of a sales log: their prices, and which of them are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.private import LEAST_CELLS, rough_sum


def median_prices(parts: list[NDArray[np.float64]], notes: list[str]) -> NDArray[np.float64]:
    """Return each item's median price; an item with too few gets that of all items, or 1."""
    priced = [part[np.isfinite(part)] for part in parts]
    prices = np.array([np.median(part) if part.size >= LEAST_CELLS else 0 for part in priced])
    none = prices == 0
    if none.any():
        prices[none] = np.median(prices[~none]) if not none.all() else 1.0
        notes.append(
            f"{int(none.sum()):,} items with fewer than {LEAST_CELLS} prices got the median of the others"
        )
    return prices


def choose_items(
    path: str | Path,
    min_sale_days: int,
    max_items: int,
    units: NDArray[np.float64],
    private: Mapping[str, NDArray[np.bool_]],
    dropped: dict[str, str],
) -> NDArray[np.int64]:
    """Return the rows of the items that are kept, best seller first; say what each rule dropped."""
    days, total = units.shape[1], units.sum(axis=1)
    sold = units > 0
    first, last = sold.argmax(axis=1), days - 1 - sold[:, ::-1].argmax(axis=1)
    margin = max(days // 8, 14)
    kept = np.ones(len(units), dtype=bool)

    def drop(reason: str, failing: NDArray[np.bool_]) -> None:
        nonlocal kept
        rows = failing & kept
        if rows.any():
            dropped[reason] = f"{int(rows.sum()):,} items, {rough_sum(total[rows].sum())} units"
        kept = kept & ~failing

    for reason, failing in private.items():
        drop(reason, failing)
    few = sold.sum(axis=1) < min_sale_days
    drop(f"item sold on fewer than {min_sale_days} days (--min-sale-days)", few)
    drop(f"item first sold more than {margin} days after the start (a new item)", first >= margin)
    drop(f"item last sold more than {margin} days before the end (discontinued)", last < days - margin)
    rows = np.flatnonzero(kept)
    if not rows.size:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise ValueError(
            f"{path}: no item was sold on {min_sale_days} days or more, from start to end: lower "
            f"--min-sale-days; {reasons}"
        )
    ranked = rows[np.argsort(-total[rows], kind="stable")]
    count = min(max_items, ranked.size)
    chosen = ranked[np.floor((np.arange(count) + 0.5) * ranked.size / count).astype(int)]
    drop("item is beyond --max-items, evenly over the ranking", ~np.isin(np.arange(len(units)), chosen))
    return np.asarray(chosen)
