"""Sort auctions of many copies, sold tick by tick, into the days of the copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def rows_by_copy(owners: Sequence[NDArray[np.int64]], n: int) -> Iterator[NDArray[np.int64]]:
    """Yield, copy after copy, the places of its auctions in the concatenated ticks, in the order of sale.

    Args:
        owners: per tick the (m,) copies that its auctions belong to.
        n: copies.
    """
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(owner, minlength=n))[:-1])
