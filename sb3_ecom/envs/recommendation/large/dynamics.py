"""The flagship's visitor where the catalogue is too large for a mask per copy: opened items are a list."""

from __future__ import annotations

from functools import partial

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.large.catalogue import LargeCatalogue
from sb3_ecom.envs.recommendation.session.dynamics import (
    PageOutcome,
    Visit,
    VisitNoise,
    empty_slots,
    show_page,
    start_visit,
)
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visit_tables import (
    VisitTables,
    earlier_slots,
    entry_table,
    outcome_table,
)


def large_tables(params: SessionParams, items: LargeCatalogue) -> VisitTables:
    """Return the visitor's constants; arrays of the catalogue are taken as they are, not copied."""
    share = np.exp(items.log_entry.astype(np.float64))
    group = items.category.astype(np.int64)
    return VisitTables(
        quality=items.quality,
        worth=items.worth,
        impulse=items.impulse,
        start=items.start,
        keep=items.keep,
        group=group,
        outcome=outcome_table(params, items, group, int(group.max()) + 1),
        entry_cumulative=entry_table(share),
        slot=_float32(params.position_weight * np.arange(params.slate_size)),
        earlier=earlier_slots(params.slate_size),
        match=_float32(np.array([params.buy_match, params.return_match])),
        outside=_float32(np.array([items.outside])),
    )


def start_large(tables: VisitTables, entry: Array, patience: Array, horizon: int) -> Visit:
    """Open sessions; `opened` is (n, horizon + 1) int ids: the landing item, then one per page, -1 if none.

    Args:
        tables: of the visitor.
        entry: (n,) U[0, 1), chooses the landing item.
        patience: (n,) logits.
        horizon: pages that a session may have.
    """
    return start_visit(tables, entry, patience, partial(_first_opened, horizon + 1))


def show_large(
    params: SessionParams, tables: VisitTables, visit: Visit, slate: Array, noise: VisitNoise
) -> tuple[Visit, PageOutcome]:
    """Show (n, K) item ids (-1 = empty slot) as `show_page` does."""
    return show_page(params, tables, visit, slate, noise, _add_opened)


def empty_opened_slots(tables: VisitTables, slate: Array, opened: Array) -> Array:
    """Return the (n, K) slate with -1 where the item is opened (n, L) or stands in an earlier slot."""
    xp = array_namespace(slate)
    closed = xp.any(slate[:, :, None] == opened[:, None, :], axis=-1)
    return empty_slots(tables, slate, closed)


def _first_opened(width: int, tables: VisitTables, item: Array) -> Array:
    xp = array_namespace(item)
    none = xp.broadcast_to(0 * item[:, None] - 1, (item.shape[0], width - 1))
    return xp.concat([item[:, None], none], axis=1)


def _add_opened(visit: Visit, item: Array, chosen: Array) -> Array:
    xp = array_namespace(item)
    opened = visit.opened + 0  # a copy
    page = xp.astype(visit.page, opened.dtype)
    place = xp.clip(page + 1, 0, opened.shape[1] - 1)
    opened[index_range(item.shape[0], item), place] = item
    return opened


def _float32(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float32)
