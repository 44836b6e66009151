"""Range checks of parameters; every message names the parameter, the bound and the value.

NaN, infinity and bool are no numbers here: ``True`` given for a rate is a mistake, not a 1.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from dataclasses import fields
from typing import Any


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
        raise ValueError(f"{name} must be a finite number{bound and ' ' + bound}, got {value!r}")
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
        raise ValueError(f"{name} must be a whole number {bound}, got {value!r}")


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Raise ValueError unless `value` is one of `known`."""
    names = tuple(known)
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")


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
    """Raise ValueError unless every number of a parameter dataclass is finite, and every int a whole one."""
    for field in fields(params):
        value = getattr(params, field.name)
        if field.type in ("int", int):
            if not is_number(value) or value != int(value):
                raise ValueError(f"{field.name} must be a whole number, got {value!r}")
        elif field.type in ("float", float):
            check_number(field.name, value)
        elif isinstance(value, tuple | list):
            for item in value:
                if isinstance(item, numbers.Real):
                    check_number(field.name, item)  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """Return whether `value` is a finite number, and no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


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
