"""Check actions once, at the door of the step loop."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import show

_SLACK = 1e-6  # float32 rounding of a bound is not an error
_FEW = 32  # numbers that Python checks faster than NumPy


def as_array(action: Any) -> Array:
    """Return an action as an array.

    Raises:
        ValueError: if it is none: lists of unequal lengths, or an object that refuses.
    """
    try:
        return np.asarray(action)
    except Exception as error:  # a user's object may raise anything
        raise ValueError(f"action must be an array of real numbers, got {show(action)}") from error


def check_actions(space: spaces.Space[Any], actions: Any, n: int) -> Array:
    """Return `actions` as an (n, ...) array of the space's dtype.

    Raises:
        ValueError: on a wrong shape, a NaN or a value outside the space; names the bound and the value.
    """
    expected = (n, *(space.shape or ()))
    array = as_array(actions)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"action must be real numbers, got {show(actions)} of dtype {array.dtype}")
    if array.shape != expected:
        raise ValueError(f"action must have shape {expected}, got {array.shape}")
    if isinstance(space, spaces.Box):
        return _check_box(space, array)
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return _check_integers(array, start, np.asarray(start + int(space.n)))
    if isinstance(space, spaces.MultiDiscrete):
        return _check_integers(array, 0, space.nvec)
    raise TypeError(f"action space must be Box, Discrete or MultiDiscrete, got {space}")


def _check_box(space: spaces.Box, array: Array) -> Array:
    low, high = float(space.low.flat[0]), float(space.high.flat[0])
    if array.size <= _FEW:  # one gym.Env: the arrays' way costs more
        if all(low - _SLACK <= value <= high + _SLACK for value in array.ravel().tolist()):
            return array.astype(np.float32, copy=False)
    # One comparison catches NaN too: every comparison with NaN is false.
    if array.size and not (array.min() >= low - _SLACK and array.max() <= high + _SLACK):
        bad = array[~((array >= low - _SLACK) & (array <= high + _SLACK))].flat[0]
        raise ValueError(f"action must be finite and in [{low}, {high}], got {bad}")
    return array.astype(np.float32, copy=False)


def _check_integers(array: Array, low: int, stop: Array) -> Array:
    if array.dtype.kind not in "iu":
        broken = ~np.isfinite(array) | (array != np.floor(array))
        if broken.any():
            raise ValueError(
                f"action must be whole numbers, got {array[broken].flat[0]} of dtype {array.dtype}"
            )
        beyond = abs(array) >= 2.0**63  # has no place in an int64
        if beyond.any():
            raise ValueError(
                f"action must lie in [{low}, {int(stop.max()) - 1}], got {array[beyond].flat[0]}"
            )
        array = array.astype(np.int64)
    if array.size <= _FEW and array.size == stop.size:  # one gym.Env, as above
        values = array.ravel().tolist()
        if min(values) >= low and all(map(operator.lt, values, stop.ravel().tolist())):
            return array.astype(np.int64, copy=False)
    outside = (array < low) | (array >= stop)
    if outside.any():
        raise ValueError(f"action must lie in [{low}, {int(stop.max()) - 1}], got {array[outside].flat[0]}")
    return array.astype(np.int64, copy=False)
