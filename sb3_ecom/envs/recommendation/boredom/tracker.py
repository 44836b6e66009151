"""Recent clicks per topic and the last pages; how an action becomes a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range, is_floating
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page
from sb3_ecom.envs.recommendation.slates import empty_repeats

HISTORY = 10  # pages that the observation remembers


class PublicTables(NamedTuple):
    """The catalogue."""

    items: Array  # (N, T) unit vectors
    main: Array  # (N,) int, main topic
    one_hot: Array  # (T, T) identity
    lists: Array  # (T, L) items by main topic


class PageEvent(NamedTuple):
    """A page and its clicks; see `page_event`. The first page of a visit opens it."""

    slate: Array  # (n, K) int, -1 where a slot stayed empty
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    clicked: Array  # (n, T) mean vector of the items clicked, 0 where none was
    shown: Array  # (n, T) mean vector of the items shown


class Decision(NamedTuple):
    """A page, and the clicks that count towards boredom when it is shown."""

    slate: Array  # (n, K) int, -1 where a slot stays empty
    recent: Array  # (n, T)


class Tracked(NamedTuple):
    """Tracked state between two pages."""

    clicks: Array  # (n, R) int, main topics of the latest clicks, newest last, -1 for none
    age: Array  # (n, R) pages since these clicks
    recent: Array  # (n, T) clicks per main topic that count now
    history: Array  # (n, H, 2 + 2 T) newest last: valid, clicks / K, mean clicked item, mean item shown
    page: Array  # (n,)


@dataclass(frozen=True)
class BoredomTracker:
    """Counts recent clicks per topic.

    Attributes:
        topics: T.
        slate_size: K.
        horizon: pages.
        remembered: latest clicks that count at most.
        window: pages that clicks count.
        bored_at: clicks on one topic at which the observation's count is 1.
    """

    topics: int
    slate_size: int
    horizon: int
    remembered: int
    window: int
    bored_at: int

    def open(self, event: PageEvent, tables: PublicTables) -> Tracked:
        """Return the state after the first page of n visits."""
        xp, zero = array_namespace(event.total), 0.0 * event.total
        none = xp.astype(xp.zeros_like(event.clicked), xp.int64)[:, :1] - 1
        width = 2 + 2 * self.topics
        blank = Tracked(
            xp.concat([none] * self.remembered, axis=1),
            xp.stack([zero] * self.remembered, axis=1),
            xp.zeros_like(event.clicked),
            xp.stack([xp.stack([zero] * width, axis=1)] * HISTORY, axis=1),
            zero - 1.0,
        )
        return self.note(blank, None, event, tables)

    def decode(self, tracked: Tracked, action: Array, tables: PublicTables) -> Decision:
        """Return pages; item ids are the page itself, floats the weights of the ranker."""
        if is_floating(action):
            slate = self.rank(action, tables)
        else:
            slate = action[:, None] if action.ndim == 1 else action
        return Decision(empty_repeats(slate), tracked.recent)

    def rank(self, action: Array, tables: PublicTables) -> Array:
        """Return the (n, K) page of (n, T + 1) ranker weights."""
        weights, discount = action[:, : self.topics], (action[:, self.topics] + 1.0) / 2.0
        scores = weights @ tables.items.T
        return diversified_page(tables.lists, scores, discount, 0.0 * weights, self.slate_size)

    def note(self, tracked: Tracked, decision: Any, event: PageEvent, tables: PublicTables) -> Tracked:
        """Count the clicks of a page."""
        xp = array_namespace(event.clicks)
        ids = xp.where(event.slate < 0, 0 * event.slate, event.slate)
        fresh = xp.where(event.clicks > 0, tables.main[ids], 0 * ids - 1)
        topics, age = _remember(xp, tracked, fresh, self.remembered)
        counted = xp.astype((topics >= 0) & (age <= self.window), event.clicks.dtype)
        hits = tables.one_hot[xp.where(topics < 0, 0 * topics, topics)]
        recent = xp.matmul(counted[:, None, :], hits)[:, 0]
        facts = xp.stack([xp.ones_like(event.total), event.total / self.slate_size], axis=1)
        row = xp.concat([facts, event.clicked, event.shown], axis=1)
        history = xp.concat([tracked.history[:, 1:], row[:, None]], axis=1)
        return Tracked(topics, age, recent, history, tracked.page + 1.0)

    def observe(self, tracked: Tracked, tables: PublicTables) -> Array:
        """Return recent clicks per topic, the share of the visit that is over, and the last pages."""
        xp = array_namespace(tracked.recent)
        recent = xp.clip(tracked.recent / self.bored_at, 0.0, 1.0)
        flat = xp.reshape(tracked.history, (recent.shape[0], -1))
        return xp.concat([recent, tracked.page[:, None] / self.horizon, flat], axis=1)


def page_event(slate: Array, clicks: Array, vectors: Array) -> PageEvent:
    """Return the event of a page.

    Args:
        slate: (n, K) int, -1 where a slot stayed empty.
        clicks: (n, K) 0 or 1.
        vectors: (n, K, T) of the items shown.
    """
    xp, total = array_namespace(clicks), clicks.sum(1)
    shown = xp.astype(slate >= 0, clicks.dtype)
    clicked = xp.matmul(clicks[:, None, :], vectors)[:, 0] / xp.clip(total, 1.0, None)[:, None]
    seen = xp.matmul(shown[:, None, :], vectors)[:, 0] / xp.sum(shown, axis=1)[:, None]
    return PageEvent(slate, clicks, total, clicked, seen)


def _remember(xp: Any, tracked: Tracked, fresh: Array, size: int) -> tuple[Array, Array]:
    """Return topics and ages of the latest `remembered` clicks; `fresh` is (n, K), -1 for no click."""
    topics = xp.concat([tracked.clicks, fresh], axis=1)
    age = xp.concat(
        [tracked.age + 1.0, xp.zeros_like(tracked.age[:, :1]) + xp.zeros_like(fresh) + 1.0], axis=1
    )
    valid = xp.astype(topics >= 0, xp.int64)
    newer = xp.sum(valid, axis=1)[:, None] - xp.cumulative_sum(valid, axis=1)
    # Each click goes to its place from the right; what is dropped or empty goes to a spare column.
    place = xp.where((valid > 0) & (newer < size), size - newer, 0 * newer)
    rows = index_range(topics.shape[0], topics)[:, None]
    kept = xp.concat([0 * tracked.clicks - 1, 0 * tracked.clicks[:, :1] - 1], axis=1)
    ages = xp.concat([0.0 * tracked.age, 0.0 * tracked.age[:, :1]], axis=1)
    kept[rows, place] = topics
    ages[rows, place] = age
    return kept[:, 1:] * 1, ages[:, 1:] * 1.0
