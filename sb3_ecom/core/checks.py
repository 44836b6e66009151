"""Range checks of parameters; every message names the parameter, the bound and the value.

NaN, infinity and bool are no numbers here: ``True`` given for a rate is a mistake, not a 1.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

MOST_STEPS = 1_000_000  # upper bound of an episode's length, where nothing grows with it
MOST_MONEY = 1e6  # upper bound of prices, costs and penalties: returns stay exact enough in float32
LARGEST_WEIGHT = 1e9  # of a reward term
LARGEST_SEED = 2**63 - 1  # of what a parameter draws once

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8


def check_number(
    name: str,
    value: float,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    unit: str = "",
) -> None:
    """Raise ValueError unless `value` is a finite number within the bounds.

    Args:
        name: of the parameter.
        value: of the parameter.
        low: least value allowed.
        above: bound that the value must exceed.
        high: largest value allowed.
        below: bound that the value must not reach.
        unit: shown behind the bound.
    """
    bound = _bound(low, above, high, below, unit)
    if not is_number(value):
        raise ValueError(f"{name} must be a finite number{bound and ' ' + bound}, got {show(value)}")
    if (
        (low is not None and value < low)
        or (above is not None and value <= above)
        or (high is not None and value > high)
        or (below is not None and value >= below)
    ):
        raise ValueError(f"{name} must be {bound}, got {value}")


def check_at_least(name: str, value: float, low: float, unit: str = "") -> None:
    """Raise ValueError unless `value` is a finite number >= `low`."""
    check_number(name, value, low=low, unit=unit)


def check_above(name: str, value: float, low: float, unit: str = "") -> None:
    """Raise ValueError unless `value` is a finite number > `low`."""
    check_number(name, value, above=low, unit=unit)


def check_whole(name: str, value: int, low: int, high: int | None = None, unit: str = "") -> None:
    """Raise ValueError unless `value` is a whole number in [low, high]."""
    if not is_number(value) or value != int(value) or value < low or (high is not None and value > high):
        bound = _bound(low, None, high, None, unit)
        raise ValueError(f"{name} must be a whole number {bound}, got {show(value)}")


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Raise ValueError unless `value` is one of `known`."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {show(value)}")


def check_flag(name: str, value: object) -> None:
    """Raise ValueError unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {show(value)}")


def check_text(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a name or a path that the system can look up."""
    try:
        if not isinstance(value, str | Path):
            raise TypeError(type(value).__name__)
        Path(value).is_file()
    except (OSError, TypeError, ValueError) as error:  # too long, not allowed, letters that no file has
        raise ValueError(f"{name} must be a name or a readable path, got {show(value)}") from error


def check_term(name: str, value: object, *, optional: bool = True) -> None:
    """Raise ValueError unless `value` is the name of a reward term (or None, where it is optional)."""
    if not (isinstance(value, str) and value) and not (optional and value is None):
        raise ValueError(f"{name} must be the name of a reward term, got {show(value)}")


def check_array(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return `value` as a float64 array.

    Raises:
        ValueError: if it holds anything but finite numbers, or has another shape.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError(f"dtype {array.dtype}")
    except Exception as error:  # lists of unequal lengths, texts, and whatever an object raises
        raise ValueError(f"{name} must be an array of numbers, got {show(value)}") from error
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)].flat[0]}")
    return array


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise ValueError unless `value` is an instance of `kind`."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be a {kind.__name__}, got {show(value)}")


def check_weights(name: str, weights: Mapping[str, float], known: Iterable[str] | None = None) -> None:
    """Raise ValueError unless `weights` maps names of terms to finite numbers.

    Args:
        name: of the parameter.
        weights: term -> weight.
        known: the terms that there are; None where any name will do.
    """
    if not isinstance(weights, Mapping):
        raise ValueError(f"{name} must map names of terms to numbers, got {show(weights)}")
    names = None if known is None else tuple(known)
    for term, weight in weights.items():
        if not isinstance(term, str) or (names is not None and term not in names):
            terms = "" if names is None else f"; known terms: {', '.join(names)}"
            raise ValueError(f"{name} names an unknown term {show(term)}{terms}")
        check_number(f"{name}[{term!r}]", weight, low=-LARGEST_WEIGHT, high=LARGEST_WEIGHT)


def check_fields(params: Any, *names: str, **bounds: Any) -> None:
    """Raise ValueError unless the named fields, or each number in them, are within the bounds.

    Args:
        params: object that has the fields: numbers, or sequences of numbers.
        *names: of the fields.
        **bounds: low, above, high, below, unit: see `check_number`.
    """
    for name in names:
        for value in _numbers(getattr(params, name)):
            check_number(name, value, **bounds)


def check_finite_fields(params: Any) -> None:
    """Raise ValueError unless every field of a parameter dataclass holds what its annotation says.

    Every number must be finite, and every int a whole one. Numbers of other kinds (NumPy's, a whole float for
    an int) become Python's own, and lists and arrays tuples, so that equal parameters are equal keys.
    """
    for field in fields(params):
        kind = field.type.__name__ if isinstance(field.type, type) else str(field.type)
        value = getattr(params, field.name)
        if kind.endswith("| None"):
            if value is None:
                continue
            kind = kind.removesuffix("| None").strip()
        if kind in ("int", "float"):
            object.__setattr__(params, field.name, _plain(field.name, value, kind))
        elif kind.startswith(("tuple[int", "tuple[float")):
            object.__setattr__(params, field.name, _plain_tuple(field.name, value, kind))
        elif kind == "str" and not isinstance(value, str):
            raise ValueError(f"{field.name} must be text, got {show(value)}")
        elif kind == "bool":
            check_flag(field.name, value)


def is_number(value: object) -> bool:
    """Return whether `value` is a finite number, and no bool."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int or a fraction beyond any float
        return False


def show(value: object) -> str:
    """Return a value for a message: its repr, cut where it is long; its type where it has none."""
    try:
        return _REPR.repr(value)
    except Exception:  # a user's object may raise anything, and so does an int of thousands of digits
        return f"an object of type {type(value).__name__}"


def _plain(name: str, value: Any, kind: str) -> float:
    """Return a finite number as a Python int or float."""
    if not is_number(value):
        raise ValueError(
            f"{name} must be a {'whole' if kind == 'int' else 'finite'} number, got {show(value)}"
        )
    if kind == "int":
        if value != int(value):
            raise ValueError(f"{name} must be a whole number, got {show(value)}")
        return int(value)
    return value if type(value) in (int, float) and abs(value) < 2**53 else float(value)


def _plain_tuple(name: str, values: Any, kind: str) -> tuple[float, ...]:
    """Return a list, tuple or array of finite numbers as a tuple."""
    part = kind.removeprefix("tuple[").split(",")[0].removesuffix("]")
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if not isinstance(values, list | tuple):
        raise ValueError(f"{name} must be a list of numbers, got {show(values)}")
    count = kind.count(",") + 1
    if "..." not in kind and len(values) != count:
        raise ValueError(f"{name} must hold {count} numbers, got {len(values)}: {show(values)}")
    return tuple(_plain(name, value, part) for value in values)


def _numbers(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple | list) else (value,)


def _bound(low: float | None, above: float | None, high: float | None, below: float | None, unit: str) -> str:
    """Return the bounds in words: ">= 1", "in (0, 1]"."""
    lower = low if above is None else above
    upper = high if below is None else below
    if lower is not None and upper is not None:
        left, right = "[(", "])"
        words = f"in {left[above is not None]}{_show(lower)}, {_show(upper)}{right[below is not None]}"
    elif lower is not None:
        words = f"{'>=' if above is None else '>'} {_show(lower)}"
    elif upper is not None:
        words = f"{'<=' if below is None else '<'} {_show(upper)}"
    else:
        return ""
    return f"{words} {unit}" if unit else words


def _show(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:.12g}"
