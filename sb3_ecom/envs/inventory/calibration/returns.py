"""Returned units taken off the sales that they undo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def net_returns(
    item: NDArray[np.int64], day: NDArray[np.int64], quantity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Take each negative quantity off the item's latest earlier sales, those of the same day included.

    Args:
        item: (rows,) of each row.
        day: (rows,) of each row.
        quantity: (rows,) units sold, or returned (< 0).

    Returns:
        (rows,) units left, 0 where a row is a return, and the returned units that no sale precedes.
    """
    left, unmatched = np.maximum(quantity, 0.0), 0.0
    # On one day sales come before returns, whatever the order of the rows.
    order = np.lexsort((-np.sign(quantity), day, item))
    open_sales: list[int] = []
    last = -1
    for row in order:
        if item[row] != last:
            open_sales, last = [], int(item[row])
        if quantity[row] > 0:
            open_sales.append(int(row))
            continue
        back = -float(quantity[row])
        while back > 0 and open_sales:
            taken = min(back, float(left[open_sales[-1]]))
            left[open_sales[-1]] -= taken
            back -= taken
            if left[open_sales[-1]] <= 0:
                open_sales.pop()
        unmatched += back
    return left, unmatched
