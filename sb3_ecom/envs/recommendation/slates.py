"""A page shows an item once."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace


def empty_repeats(slate: Array) -> Array:
    """Return the (n, K) slate with -1 where an item stands in an earlier slot already."""
    xp = array_namespace(slate)
    columns = [slate[:, 0]]
    for place in range(1, slate.shape[1]):
        repeat = xp.any(slate[:, :place] == slate[:, place : place + 1], axis=1)
        columns.append(xp.where(repeat, 0 * slate[:, 0] - 1, slate[:, place]))
    return xp.stack(columns, axis=1)
