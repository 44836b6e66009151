"""Range checks that every params class shares; the message names parameter, bound and value."""

from __future__ import annotations

import math
from collections.abc import Sequence


def check_at_least(name: str, value: float, low: float, unit: str = "") -> None:
    """Raise ValueError unless `value` is finite and >= `low`."""
    if not (math.isfinite(value) and value >= low):
        raise ValueError(f"{name} must be finite and >= {low}{unit and ' ' + unit}, got {value}")


def check_above(name: str, value: float, low: float, unit: str = "") -> None:
    """Raise ValueError unless `value` is finite and > `low`."""
    if not (math.isfinite(value) and value > low):
        raise ValueError(f"{name} must be finite and > {low}{unit and ' ' + unit}, got {value}")


def check_whole(name: str, value: int, low: int, high: int | None = None, unit: str = "") -> None:
    """Raise ValueError unless `value` is a whole number in [low, high]."""
    bound = f">= {low}" if high is None else f"in [{low}, {high}]"
    if isinstance(value, bool) or value != int(value) or value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be a whole number {bound}{unit and ' ' + unit}, got {value}")


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise ValueError unless `value` is one of `known`."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
