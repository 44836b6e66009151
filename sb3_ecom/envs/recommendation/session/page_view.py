"""What a picture of a session shows: the page, what the shop knows, and what the visitor feels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome, Visit
from sb3_ecom.envs.recommendation.session.params import SessionParams

_WANTED = 4  # items shown as what the visitor wants most
RECENT = 8  # clicks shown


class SessionLog(Protocol):
    """What the shop has seen of n sessions, as far as it is drawn."""

    @property
    def items(self) -> Array:
        """(n, T) ids of the clicked items, newest last; -1 where there was none."""

    @property
    def bought(self) -> Array:
        """(n, T) of each click: 0/1."""

    @property
    def proxy(self) -> Array:
        """(n,) satisfaction as observed clicks tell it, in [0, 1]."""

    @property
    def clicks(self) -> Array:
        """(n,) clicks so far."""

    @property
    def hour(self) -> Array:
        """(n, 2) sine and cosine of the time of day."""


@dataclass(frozen=True, kw_only=True)
class PageView:
    """One copy's page, ready to be drawn."""

    page: int  # pages seen
    clicks: int
    hour: float  # in [0, 24)
    slate: tuple[int, ...]  # item ids, -1 where the slot stayed empty; () before the first page
    slot: int  # clicked, -1 where none
    bought: bool
    returned: bool
    left: bool
    recent: tuple[tuple[int, bool], ...]  # clicked items and whether they were bought, oldest first
    inferred: float  # satisfaction as observed clicks tell it, in [0, 1]
    landed: int  # hidden: item on which the visitor landed
    satisfaction: float  # hidden, in [0, 1]
    leaving: float  # hidden: probability of leaving after a page without a click
    wanted: tuple[int, ...]  # hidden: unopened items that please most, best first
    satiation: tuple[float, ...]  # hidden, per category


class PageReader:
    """Reads page views out of a batch of sessions.

    Args:
        params: of the session.
    """

    def __init__(self, params: SessionParams) -> None:
        self._params = params
        self._items = params.catalogue

    def read(self, visit: Visit, log: SessionLog, outcome: PageOutcome | None, row: int) -> PageView:
        """Collect what copy `row` shows."""
        slate: tuple[int, ...] = ()
        slot = -1
        if outcome is not None:
            slate = tuple(outcome.slate[row].tolist())
            slot = int(outcome.slot[row]) if outcome.clicked[row] > 0 else -1
        return PageView(
            page=int(visit.page[row]),
            clicks=int(log.clicks[row]),
            hour=float(np.arctan2(*log.hour[row])) / (2 * np.pi) % 1 * 24,
            slate=slate,
            slot=slot,
            bought=outcome is not None and bool(outcome.bought[row] > 0),
            returned=outcome is not None and bool(outcome.returned[row] > 0),
            left=outcome is not None and bool(outcome.left[row]),
            recent=_recent(log, row),
            inferred=float(log.proxy[row]),
            **self._mind(visit, row),
        )

    def _mind(self, visit: Visit, row: int) -> dict[str, Any]:
        p, items = self._params, self._items
        taste, satiation = _numbers(visit.taste[row]), _numbers(visit.satiation[row])
        satisfaction = float(visit.satisfaction[row])
        pleasure = items.quality + items.worth @ taste - p.satiation_weight * satiation[items.category]
        pleasure[self._is_opened(visit, row)] = -np.inf
        best = np.argsort(-pleasure, kind="stable")[:_WANTED]
        logit = p.exit_base + p.exit_shift + p.exit_without_click - p.exit_satisfaction * satisfaction
        return {
            "landed": int(visit.entry[row]),
            "satisfaction": satisfaction,
            "leaving": float(1 / (1 + np.exp(-logit - float(visit.patience[row])))),
            "wanted": tuple(int(item) for item in best if np.isfinite(pleasure[item])),
            "satiation": tuple(float(value) for value in satiation),
        }

    def _is_opened(self, visit: Visit, row: int) -> Array:
        """Return what picks the opened items out of the catalogue."""
        return _numbers(visit.opened[row]) > 0


def _recent(log: SessionLog, row: int) -> tuple[tuple[int, bool], ...]:
    """Return the clicked items of copy `row` and whether each was bought, oldest first."""
    clicks = zip(log.items[row].tolist(), log.bought[row].tolist(), strict=True)
    return tuple((item, bought > 0.5) for item, bought in clicks if item >= 0)[-RECENT:]


def _numbers(values: Array) -> Array:
    """Return one copy's values as float64, whatever array library holds them."""
    return np.asarray(values.tolist(), dtype=np.float64)
