"""Impressions and clicks per item, and the last impressions one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range

HISTORY = 8  # impressions that the observation remembers one by one


class Opening(NamedTuple):
    """The items of a new season."""

    features: Array  # (n, N, F)
    shown: Array  # (n, N) zeros: impressions so far


class Event(NamedTuple):
    """Response to one impression."""

    clicked: Array  # (n,) 0 or 1


class Tracked(NamedTuple):
    """Record of a season so far."""

    features: Array  # (n, N, F)
    shown: Array  # (n, N) impressions
    clicks: Array  # (n, N)
    history: Array  # (n, HISTORY, 2 + F) newest last: valid, clicked, features of what was shown
    step: Array  # (n,) impressions so far


@dataclass(frozen=True)
class ColdStartTracker:
    """Counts impressions and clicks of each item."""

    horizon: int  # impressions of a season

    def open(self, event: Opening, tables: Any) -> Tracked:
        """Return seasons before the first impression."""
        xp = array_namespace(event.features)
        zero = event.shown * 1.0
        first = zero[:, 0] * 1.0
        blank = xp.concat([xp.stack([first, first], axis=1), 0.0 * event.features[:, 0]], axis=1)
        history = xp.stack([blank] * HISTORY, axis=1)
        return Tracked(event.features * 1.0, zero, zero * 1.0, history, first)

    def decode(self, tracked: Tracked, action: Array, tables: Any) -> Array:
        """Return the (n,) items to show: the actions themselves."""
        return action

    def note(self, tracked: Tracked, item: Array, event: Event, tables: Any) -> Tracked:
        """Count one impression of (n,) items."""
        xp = array_namespace(tracked.shown)
        clicked, rows = event.clicked, index_range(item.shape[0], item)
        hit = xp.astype(item[:, None] == index_range(tracked.shown.shape[1], item)[None, :], clicked.dtype)
        facts = xp.stack([xp.ones_like(clicked), clicked], axis=1)
        row = xp.concat([facts, tracked.features[rows, item]], axis=1)
        return Tracked(
            tracked.features * 1.0,
            tracked.shown + hit,
            tracked.clicks + hit * clicked[:, None],
            xp.concat([tracked.history[:, 1:], row[:, None]], axis=1),
            tracked.step + 1.0,
        )

    def observe(self, tracked: Tracked, tables: Any) -> Array:
        """Return features, impressions and clicks of the items, and the last impressions."""
        xp = array_namespace(tracked.shown)
        n = tracked.shown.shape[0]
        parts = [
            1.0 - tracked.step[:, None] / self.horizon,
            xp.reshape(tracked.features, (n, -1)),
            xp.log1p(tracked.shown) / 3.0,
            tracked.clicks / (tracked.shown + 1.0),
            xp.reshape(tracked.history, (n, -1)),
        ]
        return xp.concat(parts, axis=1)
