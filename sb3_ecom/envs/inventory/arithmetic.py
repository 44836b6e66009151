"""Arithmetic of whole units, batched, on NumPy and torch.

The helpers keep to what NumPy does fastest on few copies, as one `gym.Env` has: an operand that is
an array of the same dtype takes half as long as a Python number, `stack` twice as long as `concat`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace

_FEW = 8  # columns that are added one by one
_NOTHING = np.zeros(1, dtype=np.float32)
_ONE = np.ones(1, dtype=np.float32)


def positive(units: Array) -> Array:
    """Return the positive part; several times faster than `clip` on NumPy, and both backends know it."""
    if isinstance(units, np.ndarray):
        return np.maximum(units, _NOTHING if units.dtype == np.float32 else 0)
    return units * (units > 0)


def any_units(units: Array) -> Array:
    """Return 1 where there are any of the whole `units` >= 0, else 0."""
    if isinstance(units, np.ndarray):
        return np.minimum(units, _ONE)
    return array_namespace(units).clip(units, None, 1)


def row_sums(units: Array) -> Array:
    """Return the sum of each row of (n, w) units; adding few columns beats a reduction.

    The sum of one column is that column: do not write into it.
    """
    width = units.shape[1]
    if not 1 <= width <= _FEW:
        return array_namespace(units).sum(units, axis=1)
    total = units[:, 0]
    for column in range(1, width):
        total = total + units[:, column]
    return total


def as_units(values: Array) -> Array:
    """Return whole numbers, such as an action, as float32."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float32)
    xp = array_namespace(values)
    return xp.astype(values, xp.float32)


def never(like: Array) -> Array:
    """Return (n,) bool, false everywhere, where the (n, ...) `like` lives."""
    if isinstance(like, np.ndarray):
        return np.zeros(len(like), dtype=bool)
    xp = array_namespace(like)
    return xp.zeros(like.shape[0], dtype=xp.bool, device=like.device)


def one_number(value: float) -> Array:
    """Return `value` as a table that multiplies or adds to (n,) or (n, w) units."""
    return np.full(1, value, dtype=np.float32)


def side_by_side(columns: Iterable[Array]) -> Array:
    """Return (n, w) of w columns (n,)."""
    parts = [column[:, None] for column in columns]
    return array_namespace(parts[0]).concat(parts, axis=1)
