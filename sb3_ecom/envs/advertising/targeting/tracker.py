"""Tracked state of a visit: pages, impressions left, creatives shown and clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.targeting.dynamics import Impression, next_fatigue

HISTORY = 8  # pages that the observation remembers
CONTEXT = 2  # floats before the per-creative ones


class Opening(NamedTuple):
    """Public event that opens a visit."""

    budget: Array  # (n,) most impressions for this visitor


class Response(NamedTuple):
    """Public event of a page."""

    clicked: Array  # (n,) 0 or 1


class Tracked(NamedTuple):
    """State that follows from public events."""

    page: Array  # (n,) pages seen
    impressions_left: Array  # (n,) in the budget
    fatigue: Array  # (n, K) levels, whole numbers
    shown: Array  # (n, K) impressions so far
    clicks: Array  # (n, K) clicks so far
    history: Array  # (n, HISTORY, 2 + K) validity, clicked, creative shown (one-hot); newest last


def layout(creatives: int) -> Layout:
    """Return the layout of observations of so many creatives."""
    return Layout(context=CONTEXT + 3 * creatives, steps=HISTORY, features=2 + creatives)


@dataclass(frozen=True)
class TargetTracker:
    """Turns pages shown and clicks into observations, and actions into impressions."""

    creatives: int
    pages: int  # most of a visit
    budget: int  # most impressions for one visitor
    fatigue_levels: int

    def open(self, event: Opening, tables: None) -> Tracked:
        """Return first pages."""
        xp = array_namespace(event.budget)
        zero, k = xp.zeros_like(event.budget), self.creatives
        blank = xp.tile(zero[:, None], (1, k))
        history = xp.tile(zero[:, None, None], (1, HISTORY, 2 + k))
        return Tracked(zero, event.budget, blank, blank * 1.0, blank * 1.0, history)

    def decode(self, tracked: Tracked, action: Array, tables: None) -> Impression:
        """Return the creatives 0 .. K - 1, or none for K and wherever the budget is gone."""
        left = tracked.impressions_left
        xp = array_namespace(left)
        creatives = index_range(self.creatives, left)
        chosen = (action[:, None] == creatives[None, :]) & (left > 0)[:, None]
        creative = xp.astype(chosen, left.dtype)
        return Impression(creative, xp.sum(creative, axis=1))

    def note(self, tracked: Tracked, decision: Impression, event: Response, tables: None) -> Tracked:
        """Count an impression and its click."""
        xp = array_namespace(event.clicked)
        clicked = event.clicked[:, None]
        row = xp.concat([xp.ones_like(clicked), clicked, decision.creative], axis=1)
        return Tracked(
            tracked.page + 1.0,
            tracked.impressions_left - decision.shown,
            next_fatigue(tracked.fatigue, decision, self.fatigue_levels),
            tracked.shown + decision.creative,
            tracked.clicks + decision.creative * clicked,
            xp.concat([tracked.history[:, 1:], row[:, None, :]], axis=1),
        )

    def observe(self, tracked: Tracked, tables: None) -> Array:
        """Return (n, d) observations, as `TargetTask` describes them."""
        xp = array_namespace(tracked.fatigue)
        context = (1.0 - tracked.page / self.pages, tracked.impressions_left / self.budget)
        parts = [
            xp.stack(context, axis=-1),
            tracked.fatigue / (self.fatigue_levels - 1),
            xp.log1p(tracked.shown) / 2.0,
            xp.log1p(tracked.clicks),
            xp.reshape(tracked.history, (tracked.page.shape[0], -1)),
        ]
        return xp.concat(parts, axis=1)
