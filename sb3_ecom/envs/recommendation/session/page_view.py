"""Content of a session's picture: the page, the tracked state, and the visitor's hidden state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome, Visit
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.tracker import Session
from sb3_ecom.envs.recommendation.session.visitor import item_logits, leave_logit

_WANTED = 4  # items shown as what the visitor wants most
_RECENT = 8  # clicks shown


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

    def read(self, state: State, outcome: PageOutcome | None, row: int) -> PageView:
        """Collect what copy `row` shows."""
        visit, session = state
        slate: tuple[int, ...] = ()
        slot = -1
        if outcome is not None:
            slate = tuple(outcome.slate[row].tolist())
            slot = int(outcome.slot[row]) if outcome.clicked[row] > 0 else -1
        return PageView(
            page=int(session.page[row]),
            clicks=int(session.clicks[row]),
            hour=float(np.arctan2(*session.hour[row])) / (2 * np.pi) % 1 * 24,
            slate=slate,
            slot=slot,
            bought=outcome is not None and bool(outcome.bought[row] > 0),
            returned=outcome is not None and bool(outcome.returned[row] > 0),
            left=outcome is not None and bool(outcome.left[row]),
            recent=_recent(session, row),
            inferred=float(session.proxy[row]),
            **self._mind(visit, session, row),
        )

    def _mind(self, visit: Visit, session: Session, row: int) -> dict[str, Any]:
        p, items = self._params, self._items
        taste, satiation = _numbers(visit.taste[row]), _numbers(visit.satiation[row])
        satisfaction = float(visit.satisfaction[row])
        match, tired = items.item_factors @ taste, satiation[items.category]
        pleasure = item_logits(p, items.quality, match, tired)
        pleasure[self._is_opened(session, row)] = -np.inf
        best = np.argsort(-pleasure, kind="stable")[:_WANTED]
        logit = leave_logit(p, satisfaction, float(visit.patience[row]), p.exit_without_click)
        return {
            "landed": int(visit.entry[row]),
            "satisfaction": satisfaction,
            "leaving": float(sigmoid(logit)),
            "wanted": tuple(int(item) for item in best if np.isfinite(pleasure[item])),
            "satiation": tuple(float(value) for value in satiation),
        }

    def _is_opened(self, session: Session, row: int) -> Array:
        """Return what picks the opened items out of the catalogue."""
        return _numbers(session.opened[row]) > 0


def _recent(session: Session, row: int) -> tuple[tuple[int, bool], ...]:
    """Return the clicked items of copy `row` and whether each was bought, oldest first."""
    clicks = zip(session.items[row].tolist(), session.bought[row].tolist(), strict=True)
    return tuple((item, bought > 0.5) for item, bought in clicks if item >= 0)[-_RECENT:]


def _numbers(values: Array) -> Array:
    """Return one copy's values as float64, whatever array library holds them."""
    return np.asarray(values.tolist(), dtype=np.float64)
