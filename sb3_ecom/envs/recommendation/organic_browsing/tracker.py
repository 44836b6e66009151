"""Views and clicks of a visitor, and whether a recommendation is asked for now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace

FACTS = 3  # of a remembered event before the product's code: validity, a click (else a view), when
CLOCK = 100.0  # events; scales time in observations


class Tables(NamedTuple):
    """Constant arrays that the shop knows."""

    code: Array  # (P, E) codes that tell products apart


class Opening(NamedTuple):
    """Arrival of a visitor."""

    asked: Array  # (n,) 1 if the next event is a recommendation, 0 if a view


class Event(NamedTuple):
    """One event of a visitor's timeline, and what is due next."""

    product: Array  # (n,) int, viewed or recommended
    recommended: Array  # (n,) 1 where it was a recommendation
    clicked: Array  # (n,) 0 or 1
    asked: Array  # (n,) 1 if the next event is a recommendation, 0 if a view


class Tracked(NamedTuple):
    """Record of a visitor so far."""

    asked: Array  # (n,) 1 if the next event is a recommendation, 0 if a view
    history: Array  # (n, remembered, FACTS + E) views and clicks, newest last
    since: Array  # (n,) views since the last recommendation
    event: Array  # (n,) events so far


@dataclass(frozen=True)
class OrganicBrowsingTracker:
    """Remembers the last views and clicks."""

    remembered: int  # events

    def open(self, event: Opening, tables: Tables) -> Tracked:
        """Return visitors without a past."""
        xp = array_namespace(event.asked)
        zero = 0.0 * event.asked
        blank = xp.concat(
            [xp.stack([zero, zero, zero + 0.0], axis=1), zero[:, None] + 0.0 * tables.code[0]], axis=1
        )
        history = xp.stack([blank] * self.remembered, axis=1)
        return Tracked(event.asked * 1.0, history, zero + 0.0, zero + 0.0)

    def decode(self, tracked: Tracked, action: Array, tables: Tables) -> Array:
        """Return the (n,) products to recommend: the actions themselves."""
        return action

    def note(self, tracked: Tracked, decision: Array, event: Event, tables: Tables) -> Tracked:
        """Add a view or a click as the newest row; a recommendation without a click is not remembered."""
        xp = array_namespace(tracked.asked)
        clicked, recommended = event.clicked, event.recommended > 0
        facts = xp.stack([xp.ones_like(clicked), clicked, tracked.event / CLOCK], axis=1)
        row = xp.concat([facts, tables.code[event.product]], axis=1)
        pushed = xp.concat([tracked.history[:, 1:], row[:, None]], axis=1)
        remembered = ~recommended | (clicked > 0)
        return Tracked(
            event.asked * 1.0,
            xp.where(remembered[:, None, None], pushed, tracked.history),
            xp.where(recommended, 0.0 * clicked, tracked.since + 1.0),
            tracked.event + 1.0,
        )

    def observe(self, tracked: Tracked, tables: Tables) -> Array:
        """Return whether a recommendation is asked for, and the last views and clicks."""
        xp = array_namespace(tracked.asked)
        since = xp.clip(tracked.since / 5.0, 0.0, 4.0)
        context = xp.stack([tracked.asked, since, tracked.event / CLOCK], axis=1)
        return xp.concat([context, xp.reshape(tracked.history, (context.shape[0], -1))], axis=1)
