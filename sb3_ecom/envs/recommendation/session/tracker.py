"""Tracked state of a session: landing item, pages, clicks, counts; decodes actions into pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import (
    Array,
    array_namespace,
    columns_first,
    index_range,
    is_floating,
    look_up,
    set_true,
    update_where,
    zeros,
)
from sb3_ecom.envs.recommendation.session.ranker import rank

HISTORY = 20  # T, clicks that the observation shows
FACTS = 5  # floats of a click in the history, before its embedding: valid, bought, price, waited, slot
_BOUGHT, _WAITED_FACT, _SLOT = 1, 3, 4  # those of the session itself
PAGE, PROXY, WAITED, CLICKS, HOUR = range(5)  # columns of `Session.context`; the hour has two
COUNTS = HOUR + 2  # first column of the decayed clicks per category
_PROXY_DECAY = 0.9  # of the shop's own moving average of clicks
_WAIT = 5.0  # pages; scales waiting times to order one
_OFTEN = 4.0  # clicks; scales decayed clicks per category to order one


class Landing(NamedTuple):
    """The event that opens a session."""

    item: Array  # (n,) int, the item on which the visitor landed
    hour: Array  # (n,) of the day, in [0, 1)


class PageEvent(NamedTuple):
    """A page as the shop saw it."""

    slot: Array  # (n,) int slot clicked, K where none
    item: Array  # (n,) int item clicked, -1 where none
    bought: Array  # (n,) float 0/1


class Session(NamedTuple):
    """Tracked state of n sessions."""

    context: Array  # (n, 6 + G) page, moving average of clicks, pages since a click, clicks, hour, counts
    history: Array  # (n, T, F) landing item and clicks as the agent sees them, newest last; 0 before them
    items: Array  # (n, T) int, their ids; -1 before them
    opened: Array  # (n, N) bool, the landing item and the clicks; in a large shop (n, horizon + 1) ids

    @property
    def page(self) -> Array:
        """(n,) pages seen."""
        return self.context[:, PAGE]

    @property
    def last(self) -> Array:
        """(n,) int, the item clicked last (at first the landing item)."""
        return self.items[:, -1]

    @property
    def bought(self) -> Array:
        """(n, T) of each click: 0/1."""
        return self.history[..., _BOUGHT]

    @property
    def proxy(self) -> Array:
        """(n,) moving average of clicks per page."""
        return self.context[:, PROXY]

    @property
    def clicks(self) -> Array:
        """(n,) clicks so far."""
        return self.context[:, CLICKS]

    @property
    def hour(self) -> Array:
        """(n, 2) sine and cosine of the time of day."""
        return self.context[:, HOUR:COUNTS]

    @property
    def counts(self) -> Array:
        """(n, G) clicks per category, decayed."""
        return self.context[:, COUNTS:]


def context_table(groups: int, decay: float) -> Array:
    """Return (G + 1, 2 (6 + G)) float32: factors and summands of `Session.context` after a page.

    Row g is of a click on an item of category g, the last row of no click; `decay` is that of the counts.
    """
    width = COUNTS + groups
    table = np.zeros((groups + 1, 2 * width), dtype=np.float32)
    factors, summands = table[:, :width], table[:, width:]
    factors[:] = 1
    factors[:, PROXY], factors[:-1, WAITED], factors[:-1, COUNTS:] = _PROXY_DECAY, 0, decay
    summands[:, PAGE], summands[:-1, PROXY], summands[-1, WAITED] = 1, 1 - _PROXY_DECAY, 1
    summands[:-1, CLICKS] = 1
    summands[:-1, COUNTS:] = np.eye(groups)
    return table


def group_table(category: Array, groups: int) -> Array:
    """Return (N + 1,) int64: row of `context_table` by item, the last of no click."""
    return np.append(np.asarray(category, dtype=np.int64), groups)


def context_scale(horizon: int, groups: int) -> Array:
    """Return (6 + G,) float32, divisors of `Session.context` in the observation."""
    return np.array([horizon, 1, _WAIT, 10, 1, 1, *[_OFTEN] * groups], dtype=np.float32)


def earlier_slots(slate_size: int) -> Array:
    """Return (K, K, 1) bool: whether the second slot stands before the first."""
    return np.tri(slate_size, k=-1, dtype=bool)[:, :, None]


@dataclass(frozen=True)
class SessionTracker:
    """Follows sessions and decodes the actions of `EcomRec-v0`, `EcomRecSlate-v0` and `EcomRecSingle-v0`.

    Attributes:
        action: "ranker", "slate" or "single".
        slate_size: K.
        exhaustible: whether a session may open so many items that the ranker must repeat one.
    """

    action: Literal["ranker", "slate", "single"]
    slate_size: int
    exhaustible: bool

    def open(self, event: Landing, tables: Any) -> Session:
        """Open sessions on their landing items."""
        xp, n = array_namespace(event.item), event.item.shape[0]
        angle = event.hour * (2 * np.pi)
        context = zeros(event.hour, n, tables.scale.shape[0])
        context[:, HOUR], context[:, HOUR + 1] = xp.sin(angle), xp.cos(angle)
        width = tables.event.shape[1]
        history, items = zeros(event.hour, n, HISTORY, width), zeros(event.item, n, HISTORY) - 1
        history[:, -1], items[:, -1] = look_up(tables.event, event.item), event.item
        return Session(context, history, items, self.open_first(event.item, tables))

    def open_first(self, item: Array, tables: Any) -> Array:
        """Return what stands for the opened items of a session that begins."""
        return index_range(tables.event.shape[0] - 1, item) == item[:, None]

    def decode(self, tracked: Session, action: Array, tables: Any) -> Array:
        """Return (n, K) pages.

        Item ids are taken as the page itself, whatever the action (baselines act so).
        """
        if is_floating(action):
            page = rank(tables, action, tracked.last, tracked.counts, tracked.opened, self.slate_size)
            if not self.exhaustible:  # then the ranker neither repeats an item nor shows an opened one
                return page
        else:
            page = action if action.ndim == 2 else action[:, None]
        closed = tracked.opened[index_range(page.shape[0], page)[:, None], page]
        return empty_slots(tables.earlier, page, closed)

    def note(self, tracked: Session, decision: Array, event: PageEvent, tables: Any) -> Session:
        """Note a click as the newest row of the history; a page without one only adds to the wait."""
        chosen = event.item >= 0
        width = tracked.context.shape[1]
        row = look_up(tables.context_after, look_up(tables.group, event.item))  # -1: no click

        def history_of(some: Any) -> Array:
            newest = look_up(tables.event, event.item[some])
            newest[:, _BOUGHT] = event.bought[some]
            newest[:, _SLOT] = look_up(tables.slot_share, event.slot[some])
            newest[:, _WAITED_FACT] = (tracked.context[some, WAITED] + 1.0) / _WAIT
            return _pushed(tracked.history[some], newest)

        return Session(
            context=tracked.context * row[:, :width] + row[:, width:],
            history=update_where(tracked.history, chosen, history_of),
            items=update_where(
                tracked.items, chosen, lambda some: _pushed(tracked.items[some], event.item[some])
            ),
            opened=self.mark_opened(tracked, event.item, chosen),
        )

    def mark_opened(self, tracked: Session, item: Array, chosen: Array) -> Array:
        """Return the opened items after a page, with the (n,) items where `chosen` (-1 elsewhere)."""
        return set_true(tracked.opened, item, chosen)

    def observe(self, tracked: Session, tables: Any) -> Array:
        """Return (n, d): scaled context, opened items unless a ranker acts, history."""
        history = tracked.history
        opened = () if self.action == "ranker" else (tracked.opened,)
        flat = history.reshape(history.shape[0], -1)
        observation = array_namespace(history).concat((tracked.context, *opened, flat), axis=1)
        observation[:, : tables.scale.shape[0]] /= tables.scale
        return observation


def empty_slots(earlier: Array, slate: Array, closed: Array) -> Array:
    """Return the (n, K) slate with -1 where `closed`, or where the item stands in an earlier slot."""
    if slate.shape[1] > 1:
        slots = columns_first(slate)
        closed = closed | ((slots[:, None] == slots) & earlier).any(1).T
    return array_namespace(slate).where(closed, -1, slate)


def _pushed(queue: Array, newest: Array) -> Array:
    """Return the (k, T, ...) `queue`, oldest first, after the (k, ...) `newest` joined at its end."""
    return array_namespace(queue).concat((queue[:, 1:], newest[:, None]), axis=1)
