"""Numbers about a log that tell no cell of it: a shifted row may put a telephone number anywhere."""

from __future__ import annotations

LEAST_CELLS = 3  # of which a median may be written: one stray cell is never the middle one
_DIGITS = 3  # significant, of a sum


def rough_sum(value: float) -> str:
    """Return a sum in three significant digits, for a message."""
    return f"{float(f'{value:.{_DIGITS}g}'):,.0f}"
