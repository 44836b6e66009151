"""A customer's last visits, today's intent and the day of the month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace

HISTORY = 10  # visits that the observation remembers
FEATURES = 5  # validity, clicks / K, relevance and bait of what was clicked, days until the next visit / 5


class Opening(NamedTuple):
    """Start of a first visit."""

    intent: Array  # (n, 2) unit vector
    day: Array  # (n,)


class Event(NamedTuple):
    """Clicks of one visit, and the start of the next."""

    total: Array  # (n,) clicks
    relevance: Array  # (n,) mean of what was clicked, 0 for nothing
    bait: Array  # (n,) mean of what was clicked, 0 for nothing
    gap: Array  # (n,) days without a visit
    intent: Array  # (n, 2) unit vector, of the next visit
    day: Array  # (n,) of the next visit


class Tracked(NamedTuple):
    """Record of a customer so far."""

    intent: Array  # (n, 2) unit vector
    day: Array  # (n,) 0 .. days
    history: Array  # (n, HISTORY, FEATURES) newest last


@dataclass(frozen=True)
class RetentionTracker:
    """Remembers the last visits."""

    days: int  # of the month
    slate_size: int  # K

    def open(self, event: Opening, tables: Any) -> Tracked:
        """Return customers without a past."""
        xp = array_namespace(event.day)
        zero = 0.0 * event.day
        history = xp.stack([xp.stack([zero] * FEATURES, axis=1)] * HISTORY, axis=1)
        return Tracked(event.intent * 1.0, event.day * 1.0, history)

    def decode(self, tracked: Tracked, action: Array, tables: Any) -> Array:
        """Return the (n, 3) weights of features and bait: the actions themselves."""
        return action

    def note(self, tracked: Tracked, decision: Array, event: Event, tables: Any) -> Tracked:
        """Add a visit as the newest row."""
        xp = array_namespace(event.day)
        gap = xp.clip(event.gap / 5.0, 0.0, 6.0)
        fact = [xp.ones_like(event.total), event.total / self.slate_size, event.relevance, event.bait, gap]
        history = xp.concat([tracked.history[:, 1:], xp.stack(fact, axis=1)[:, None]], axis=1)
        return Tracked(event.intent * 1.0, event.day * 1.0, history)

    def observe(self, tracked: Tracked, tables: Any) -> Array:
        """Return the intent, the day and the last visits."""
        xp = array_namespace(tracked.day)
        facts = xp.stack([tracked.day / self.days, tracked.history[:, -1, -1]], axis=1)
        return xp.concat([tracked.intent, facts, xp.reshape(tracked.history, (facts.shape[0], -1))], axis=1)
