"""One page of a visit: what may be shown, what the policy says, and what is shown when it can not decide."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.tracker import Session
from sb3_ecom.live.catalogue import LiveCatalogue
from sb3_ecom.live.decision_log import Decision
from sb3_ecom.live.exploration import Exploration
from sb3_ecom.live.pages import (
    ItemScores,
    ScoredPolicy,
    Shown,
    closed_items,
    decided_page,
    draw_page,
    observe,
    score_items,
)
from sb3_ecom.live.visits import Record

_BEST = Exploration()


class Limits(NamedTuple):
    """What a caller lets be shown.

    Attributes:
        candidates: the only items that may be; None: all on sale.
        exclude: items that may not be.
    """

    candidates: tuple[str, ...] | None
    exclude: tuple[str, ...]


class MadePage(NamedTuple):
    """A page and how it came about; an empty slot is an empty text."""

    items: list[str]
    propensities: list[float]
    fallback: str | None  # why popular items stand in place of the policy's
    features: str  # hash of the observation
    shadow: tuple[str, ...]  # what the policy would have shown while a rule serves


class PageMaker:
    """Makes pages by one policy.

    Args:
        task: whose tracker and tables apply.
        policy: that serves.
        shadow: that is only asked, or None.
        explore: of the pages.
        generator: draws.
    """

    def __init__(
        self,
        task: SessionTask,
        policy: ScoredPolicy,
        shadow: ScoredPolicy | None,
        explore: Exploration,
        generator: np.random.Generator,
    ) -> None:
        self.policy, self._task, self._shadow = policy, task, shadow
        self._explore, self._generator = explore, generator

    def make(
        self, record: Record, state: Session | None, catalogue: LiveCatalogue, limits: Limits
    ) -> MadePage:
        """Return the next page of a visit.

        Args:
            record: of the visit.
            state: tracked, None where nothing is known to decide on.
            catalogue: of the shop.
            limits: what may be shown.

        Raises:
            ValueError: on a candidate that is unknown.
        """
        closed = _closed(catalogue, state, limits)
        free = limits.candidates is None and not limits.exclude and not catalogue.changed
        shown, fallback, features = self._decide(record, state, closed, free, catalogue)
        return MadePage(
            items=_texts(catalogue, shown),
            propensities=shown.propensities.tolist(),
            fallback=fallback,
            features=features,
            shadow=self._shadow_page(state, closed, free, catalogue),
        )

    def _decide(
        self,
        record: Record,
        state: Session | None,
        closed: NDArray[np.bool_],
        free: bool,
        catalogue: LiveCatalogue,
    ) -> tuple[Shown, str | None, str]:
        """Return the page, why a fallback made it, and the hash of the observation."""
        if state is None:
            unknown = record["landing"] is not None
            reason = "the landing item is unknown" if unknown else "nothing was clicked yet"
            return self._popular(closed, catalogue), reason, ""
        if len(record["pages"]) >= self._task.horizon:
            reason = f"the policy was trained on visits of at most {self._task.horizon} pages"
            return self._popular(closed, catalogue), reason, ""
        features = hashlib.sha256(observe(self._task, catalogue, state).tobytes()).hexdigest()[:12]
        try:
            opinion = score_items(self.policy, self._task, catalogue, state)
        except ValueError as error:
            return self._popular(closed, catalogue), str(error), features
        return self._draw(opinion, state, closed, free, catalogue, self._explore), None, features

    def _popular(self, closed: NDArray[np.bool_], catalogue: LiveCatalogue) -> Shown:
        popular = np.asarray(catalogue.tables.log_popularity, dtype=np.float64)
        return draw_page(popular, closed, self._task.params.slate_size, catalogue, _BEST, self._generator)

    def _draw(
        self,
        opinion: ItemScores,
        state: Session,
        closed: NDArray[np.bool_],
        free: bool,
        catalogue: LiveCatalogue,
        explore: Exploration,
    ) -> Shown:
        """Draw a page; where nothing is limited or explored, it is the very page of the environment."""
        if free and explore.kind == "none":
            page = decided_page(self._task, catalogue, state, opinion.action)
            return Shown(page, np.ones(page.size))
        size = self._task.params.slate_size
        return draw_page(opinion.scores, closed, size, catalogue, explore, self._generator)

    def _shadow_page(
        self, state: Session | None, closed: NDArray[np.bool_], free: bool, catalogue: LiveCatalogue
    ) -> tuple[str, ...]:
        """Return what the policy would have shown; nothing where it can not decide."""
        if self._shadow is None or state is None:
            return ()
        try:
            opinion = score_items(self._shadow, self._task, catalogue, state)
        except ValueError:  # a policy that is only asked must not stop the one that serves
            return ()
        return tuple(_texts(catalogue, self._draw(opinion, state, closed, free, catalogue, _BEST)))


def restrictions(limits: Limits, catalogue: LiveCatalogue) -> tuple[str, ...]:
    """Return all items that could not be shown: those excluded, and trained ones that have left.

    A log needs both: whoever judges another policy must not give chances to items that were not on sale.
    """
    gone = np.flatnonzero(~catalogue.available)
    return (*limits.exclude, *(catalogue.ids.ids[number] for number in gone))


def read_limits(candidates: Iterable[str] | None, exclude: Iterable[str]) -> Limits:
    """Return what a caller lets be shown.

    Raises:
        ValueError: if a text stands in place of a list of ids.
    """
    for items in (candidates, exclude):
        if isinstance(items, str):
            raise ValueError(f"items must be a list of ids, got the text {items!r}")
    return Limits(None if candidates is None else tuple(candidates), tuple(exclude))


def _closed(catalogue: LiveCatalogue, state: Session | None, limits: Limits) -> NDArray[np.bool_]:
    closed = closed_items(catalogue, state)
    if limits.candidates is not None:
        kept = np.zeros_like(closed)
        kept[catalogue.ids.numbers(limits.candidates, "candidate")] = True
        closed |= ~kept
    # What is excluded is often a list of the whole shop: unknown items are of no matter there.
    closed[[number for number in map(catalogue.ids.find, limits.exclude) if number >= 0]] = True
    return closed


def _texts(catalogue: LiveCatalogue, shown: Shown) -> list[str]:
    return [catalogue.ids.ids[number] if number >= 0 else "" for number in shown.page]


def log_row(
    record: Record,
    event_id: str,
    made: MadePage,
    limits: Limits,
    catalogue: LiveCatalogue,
    *,
    policy: str,
    explore: str,
) -> Decision:
    """Return the log's row of the page that was last added to a record.

    Args:
        record: of the visit, the page in it.
        event_id: of the page.
        made: the page.
        limits: what the caller let be shown.
        catalogue: that it was made with.
        policy: that served.
        explore: how it explored.
    """
    return Decision(
        event_id=event_id,
        visit=record["visit"],
        time=time.time(),
        number=len(record["pages"]) - 1,
        policy=policy,
        explore=explore,
        context={key: record[key] for key in ("landing", "hour", "clicks")},
        features=made.features,
        items=tuple(made.items),
        propensities=tuple(made.propensities),
        excluded=restrictions(limits, catalogue),
        candidates=limits.candidates,
        fallback=made.fallback,
        shadow=made.shadow,
    )
