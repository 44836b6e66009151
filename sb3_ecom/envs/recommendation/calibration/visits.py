"""Visits of a log whose sessions hold several of them: one visitor over months."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAUSE = 43_200.0  # seconds; longer ones stand between visits
_MANY_PAUSED = 0.1  # of the sessions of two and more events


def split_visits(
    session: NDArray[Any], time: NDArray[np.float64], gap: float
) -> tuple[NDArray[np.int32], str]:
    """Return the visit of each row, numbered from 0, and a note.

    Args:
        session: (rows,) non-decreasing.
        time: (rows,) seconds, ascending within a session.
        gap: minutes without an event that end a visit.
    """
    begins = np.r_[True, (session[1:] != session[:-1]) | (np.diff(time) > 60 * gap)][: session.size]
    visits = (np.cumsum(begins) - 1).astype(np.int32)
    before, after = np.unique(session).size, int(begins.sum())
    return visits, f"pauses of more than {gap:g} minutes part {before:,} sessions into {after:,} visits"


def find_pauses(session: NDArray[Any], time: NDArray[np.float64], name: str) -> list[str]:
    """Return a note if many sessions (in rows as for `split_visits`) look like several visits."""
    same = session[1:] == session[:-1]
    longer = np.unique(session[1:][same]).size
    paused = np.unique(session[1:][same & (np.diff(time) > _PAUSE)]).size
    if paused <= _MANY_PAUSED * longer:
        return []
    return [
        f"{paused:,} of {longer:,} sessions hold a pause of more than {_PAUSE / 3600:g} hours: is {name!r} "
        "the visitor? --session-gap 30 parts it into visits"
    ]
