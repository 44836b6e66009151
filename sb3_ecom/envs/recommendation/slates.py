"""A page shows an item once."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace, index_range


def empty_repeats(slate: Array) -> Array:
    """Return the (n, K) slate with -1 where an item stands in an earlier slot already."""
    xp = array_namespace(slate)
    slot = index_range(slate.shape[1], slate)
    earlier = slot[None, :] < slot[:, None]
    repeat = xp.any((slate[:, :, None] == slate[:, None, :]) & earlier, axis=2)
    return xp.where(repeat, 0 * slate - 1, slate)
