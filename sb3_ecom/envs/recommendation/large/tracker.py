"""Tracked sessions of a large shop: opened items as a list, pages by a query over the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, index_range, is_floating
from sb3_ecom.envs.recommendation.large.retrieval import CellIndex, best_exact, best_of
from sb3_ecom.envs.recommendation.large.shop import query_of
from sb3_ecom.envs.recommendation.session.tracker import Session, SessionTracker, empty_slots


@dataclass(frozen=True)
class LargeTracker(SessionTracker):
    """Follows sessions of `EcomRecLarge-v0`; nothing per copy grows with the catalogue.

    Attributes:
        items: N.
        horizon: pages that a session may have.
        index: approximate search, or None for the exact product.
    """

    items: int = 0
    horizon: int = 0
    index: CellIndex | None = None

    def open_first(self, item: Array, tables: Any) -> Array:
        """Return (n, horizon + 1) int ids: the landing item, then one per page, -1 if none."""
        xp = array_namespace(item)
        none = xp.broadcast_to(0 * item[:, None] - 1, (item.shape[0], self.horizon))
        return xp.concat([item[:, None], none], axis=1)

    def mark_opened(self, tracked: Session, item: Array, chosen: Array) -> Array:
        """Return the list with the page's item, -1 where nothing was clicked."""
        xp = array_namespace(item)
        opened = tracked.opened + 0  # a copy
        page = xp.astype(tracked.page, opened.dtype)
        place = xp.clip(page + 1, 0, opened.shape[1] - 1)
        opened[index_range(item.shape[0], item), place] = item
        return opened

    def decode(self, tracked: Session, action: Array, tables: Any) -> Array:
        """Return (n, K) pages; (n, K) item ids are taken as the page itself (baselines act so)."""
        if not is_floating(action):
            return _empty_opened_slots(tables.earlier, action, tracked.opened)
        page = self.retrieve(query_of(tables, action, tracked.last, tracked.counts), tracked.opened, tables)
        return _empty_opened_slots(tables.earlier, page, tracked.opened) if self.exhaustible else page

    def retrieve(self, query: Array, opened: Array, tables: Any) -> Array:
        """Return (n, K) item ids for queries, without the opened ones (n, L).

        The index lives on the host; arrays of another library take the exact product where they are.
        """
        if self.index is None or not isinstance(query, np.ndarray):
            return self.retrieve_exact(query, opened, tables)
        used = opened[:, : 1 + int((opened >= 0).any(0).nonzero()[0][-1])]
        page, short = best_of(self.index.find(query), used, self.slate_size)
        if short.size:  # a long session has opened most of its candidates
            page[short] = self.retrieve_exact(query[short], used[short], tables)
        return page

    def retrieve_exact(self, query: Array, opened: Array, tables: Any) -> Array:
        """Return (n, K) item ids for queries by the exact product."""
        return best_exact(tables.columns, query, opened, self.items, self.slate_size)


def _empty_opened_slots(earlier: Array, slate: Array, opened: Array) -> Array:
    """Return the (n, K) slate with -1 where the item is opened (n, L) or stands in an earlier slot."""
    xp = array_namespace(slate)
    closed = xp.any(slate[:, :, None] == opened[:, None, :], axis=-1)
    return empty_slots(earlier, slate, closed)
