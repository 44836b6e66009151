"""Category and price of each item, from the clicks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Ints
from sb3_ecom.core.tables.private import LEAST_CELLS


def item_categories(item: Ints, code: Ints, num_items: int) -> tuple[Ints, Ints, list[str]]:
    """Return each item's most frequent category (numbered from 0), the codes of these numbers, and notes.

    Args:
        item: (clicks,) 0 .. N-1, each at least once.
        code: (clicks,) category of the clicked item.
        num_items: N.
    """
    width = int(code.max()) + 1
    pairs, counts = np.unique(item * width + code, return_counts=True)
    best = np.full(num_items, -1, dtype=np.int64)
    order = np.argsort(counts, kind="stable")  # the most frequent is written last
    best[pairs[order] // width] = pairs[order] % width
    codes, categories = np.unique(best, return_inverse=True)
    several = ["some items have several categories: each got its most frequent one"]
    return categories.astype(np.int64), codes, several if len(pairs) > num_items else []


def item_prices(
    item: Ints, price: NDArray[np.float64] | None, categories: Ints
) -> tuple[NDArray[np.float32] | None, list[str]]:
    """Return each item's median price (None without any), and notes.

    A gap gets the median of its category, or else of all; so does an item with too few prices.

    Args:
        item: (clicks,) 0 .. N-1.
        price: (clicks,) in the shop's currency; NaN, 0 and less do not count. None where the log has none.
        categories: (N,) of the items.
    """
    usable = np.zeros(0, dtype=bool) if price is None else np.isfinite(price) & (price > 0)
    if price is None or not usable.any():
        return None, ["no price: margin and price response stay assumed"]
    notes = []
    if not usable.all():
        notes.append(f"{int((~usable).sum()):,} clicks have no usable price (missing, 0 or negative)")
    medians = group_medians(price[usable], item[usable], len(categories))
    known = np.bincount(item[usable], minlength=len(categories)) >= LEAST_CELLS
    if not known.any():
        return None, [f"no item has {LEAST_CELLS} prices: margin and price response stay assumed"]
    if not known.all():
        few = f"{int((~known).sum()):,} items with fewer than {LEAST_CELLS} prices"
        notes.append(f"{few} got the median of their category")
    per_category = group_medians(medians[known], categories[known], int(categories.max()) + 1)
    filled = np.where(known, medians, per_category[categories])
    return np.where(np.isfinite(filled), filled, np.median(medians[known])).astype(np.float32), notes


def group_medians(values: NDArray[Any], group: Ints, num_groups: int) -> NDArray[np.float64]:
    """Return the median of each group's values, NaN for an empty group."""
    ordered = values[np.lexsort((values, group))].astype(np.float64)
    counts = np.bincount(group, minlength=num_groups)
    starts = np.cumsum(counts) - counts
    low, high = starts + np.maximum(counts - 1, 0) // 2, starts + counts // 2
    last = len(ordered) - 1
    if last < 0:
        return np.full(num_groups, np.nan)
    middle = (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2
    return np.where(counts > 0, middle, np.nan)
