"""Limits on the cost of exact solutions: a check of table sizes, and a mode in which only cheap ones run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHEAP_SHARE = 20  # of the largest table, this part of it counts as cheap
_cheap: ContextVar[bool] = ContextVar("cheap", default=False)


@contextmanager
def only_cheap() -> Iterator[None]:
    """Refuse, inside, whatever would take more than some seconds: a score must not keep anybody waiting."""
    token = _cheap.set(True)
    try:
        yield
    finally:
        _cheap.reset(token)


def check_cells(name: str, cells: int, most: int, what: str) -> None:
    """Raise ValueError if a table is too large to sweep.

    Args:
        name: of the parameters on which the size depends.
        cells: entries of the table.
        most: largest number that is solved at all; inside `only_cheap` a twentieth of it.
        what: the entries are.
    """
    most = most // _CHEAP_SHARE if _cheap.get() else most
    if cells > most:
        raise ValueError(f"{name} must leave at most {most:,} {what}, got {cells:,}")


def refuse_if_cheap(why: str) -> None:
    """Raise ValueError inside `only_cheap`, saying why the computation takes long."""
    if _cheap.get():
        raise ValueError(f"it takes minutes: {why}")
