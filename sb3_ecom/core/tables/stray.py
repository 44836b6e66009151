"""Dates far from all others, as mistyped years and clocks that were never set give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GAP = 90  # days without any row
_SHARE = 0.01  # of the rows, at most


def find_stray_days(day: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the rows that lie months away from nearly all others, as mistyped years do."""
    dates, counts = np.unique(day, return_counts=True)
    group = np.cumsum(np.r_[0, np.diff(dates) > _GAP])
    sizes = np.bincount(group, counts)
    main = int(np.argmax(sizes))
    if sizes.sum() - sizes[main] > _SHARE * sizes.sum():
        return np.zeros(day.size, dtype=bool)
    return np.asarray(group[np.searchsorted(dates, day)] != main)
