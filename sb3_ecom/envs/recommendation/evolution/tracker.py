"""Topics at hand, what was watched on the last pages, and the interests where they are observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.evolution.dynamics import Tables, without_repeats

HISTORY = 5  # pages that the observation remembers
FACTS = 4  # floats of a remembered page before the topic: validity, clicked, share watched, quality / 3


class Opening(NamedTuple):
    """A viewer comes; documents are at hand."""

    topic: Array  # (n, m) int, of the candidates
    nothing: Array  # (n, 1) float zeros
    interest: Array | None  # (n, T), where interests are observed


class PageEvent(NamedTuple):
    """Outcome of a page, and the documents of the next."""

    clicked: Array  # (n,) 0 or 1
    watched_topic: Array  # (n,) int; counts where something was watched
    watched: Array  # (n,) minutes
    quality: Array  # (n,) of what was watched, 0 for nothing
    topic: Array  # (n, m) int, of the next candidates
    interest: Array | None  # (n, T), where interests are observed


class Tracked(NamedTuple):
    """Tracked state between two pages."""

    topic: Array  # (n, m) int, of the candidates
    history: Array  # (n, HISTORY, FACTS + T) newest last
    interest: Array | None  # (n, T), where interests are observed


@dataclass(frozen=True)
class EvolutionTracker:
    """Remembers the last pages.

    Attributes:
        topics: T.
        candidates: m.
        length: minutes of a document.
        repeats: whether a slate may hold a document twice.
    """

    topics: int
    candidates: int
    length: float
    repeats: bool

    def open(self, event: Opening, tables: Tables) -> Tracked:
        """Return the state before the first page."""
        xp = array_namespace(event.nothing)
        blank = xp.concat([event.nothing] * (FACTS + self.topics), axis=1)
        return Tracked(event.topic, xp.stack([blank] * HISTORY, axis=1), event.interest)

    def decode(self, tracked: Tracked, action: Array, tables: Tables) -> Array:
        """Return the (n, K) places to show; repeats are moved on unless they are allowed."""
        return action * 1 if self.repeats else without_repeats(action, self.candidates)

    def note(self, tracked: Tracked, decision: Array, event: PageEvent, tables: Tables) -> Tracked:
        """Remember the page and take over the next documents."""
        xp, clicked = array_namespace(event.clicked), event.clicked
        facts = (xp.ones_like(clicked), clicked, event.watched / self.length, event.quality / 3.0)
        hit = clicked[:, None] * tables.one_hot[event.watched_topic]
        row = xp.concat([xp.stack(facts, axis=1), hit], axis=1)
        history = xp.concat([tracked.history[:, 1:], row[:, None]], axis=1)
        return Tracked(event.topic, history, event.interest)

    def observe(self, tracked: Tracked, tables: Tables) -> Array:
        """Return interests where observed, the candidates' topics and the last pages."""
        xp, n = array_namespace(tracked.history), tracked.history.shape[0]
        known = [] if tracked.interest is None else [tracked.interest]
        topics = xp.reshape(tables.one_hot[tracked.topic], (n, -1))
        return xp.concat([*known, topics, xp.reshape(tracked.history, (n, -1))], axis=1)
