"""Page number, and impressions and clicks of every banner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range, zeros

from .params import BannerParams


class Event(NamedTuple):
    """A page as the shop saw it; at a landing nothing was shown yet."""

    clicked: Array  # (n,) 0 or 1


class Tracked(NamedTuple):
    """Counts of a visit."""

    page: Array  # (n,)
    shown: Array  # (n, banners)
    clicks: Array  # (n, banners)


@dataclass(frozen=True)
class BannerTracker:
    """Counts impressions and clicks."""

    params: BannerParams

    def open(self, event: Event, tables: Any) -> Tracked:
        """Return visits without a page."""
        n = event.clicked.shape[0]
        counts = zeros(event.clicked, n, self.params.banners)
        return Tracked(event.clicked * 0.0, counts, counts * 1.0)

    def decode(self, tracked: Tracked, action: Array, tables: Any) -> Array:
        """Return the banners: the actions themselves."""
        return action

    def note(self, tracked: Tracked, decision: Array, event: Event, tables: Any) -> Tracked:
        """Count the impression and the click."""
        xp = array_namespace(tracked.page)
        hit = xp.astype(decision[:, None] == index_range(self.params.banners, decision)[None, :], xp.float32)
        return Tracked(tracked.page + 1.0, tracked.shown + hit, tracked.clicks + hit * event.clicked[:, None])

    def observe(self, tracked: Tracked, tables: Any) -> Array:
        """Return the (n, 1 + 2 banners) share of pages seen, impressions and clicks."""
        xp = array_namespace(tracked.page)
        scale = self.params.horizon
        return xp.concat([tracked.page[:, None], tracked.shown, tracked.clicks], axis=1) / scale
