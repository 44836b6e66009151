"""The visitor's context and what was clicked on the page before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.context.dynamics import Visitor
from sb3_ecom.envs.recommendation.slates import empty_repeats


class PublicTables(NamedTuple):
    """Codes of contexts in an observation."""

    clock: Array  # (24, 2) sine and cosine
    devices: Array  # (D, D) identity
    places: Array  # (P, P) identity


class Arrival(NamedTuple):
    """The first visitor comes."""

    visitor: Visitor
    nothing: Array  # (n,) float zeros: clicks so far


class PageEvent(NamedTuple):
    """A page was shown, and the next visitor comes."""

    clicks: Array  # (n, K) 0 or 1
    visitor: Visitor


class Tracked(NamedTuple):
    """The visitor at hand and the last page."""

    visitor: Visitor
    clicks: Array  # (n, K) of the last page
    visitors: Array  # (n,) served


@dataclass(frozen=True)
class ContextTracker:
    """Keeps the context of the visitor at hand and the clicks of the last page."""

    slate_size: int  # K

    def open(self, event: Arrival, tables: PublicTables) -> Tracked:
        """Return the state before the first page."""
        xp = array_namespace(event.nothing)
        return Tracked(event.visitor, xp.stack([event.nothing] * self.slate_size, axis=1), event.nothing)

    def decode(self, tracked: Tracked, action: Array, tables: PublicTables) -> Array:
        """Return the (n, K) pages, -1 where an item is repeated."""
        return empty_repeats(action)

    def note(self, tracked: Tracked, decision: Array, event: PageEvent, tables: PublicTables) -> Tracked:
        """Take over the clicks and the next visitor."""
        return Tracked(event.visitor, event.clicks * 1.0, tracked.visitors + 1.0)

    def observe(self, tracked: Tracked, tables: PublicTables) -> Array:
        """Return the visitor's context and the last page's clicks."""
        xp, visitor = array_namespace(tracked.visitors), tracked.visitor
        valid = xp.astype(tracked.visitors > 0, tracked.clicks.dtype)[:, None]
        shown = (tables.clock[visitor.hour], tables.devices[visitor.device], tables.places[visitor.place])
        return xp.concat([*shown, valid, tracked.clicks], axis=1)
