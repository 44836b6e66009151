"""The session's visitor in a large catalogue: its tables; every step is `session.dynamics.step`."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.large.catalogue import LargeCatalogue
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visit_tables import VisitTables, entry_table, outcome_table


def large_tables(params: SessionParams, items: LargeCatalogue) -> VisitTables:
    """Return the visitor's constants; arrays of the catalogue are taken as they are, not copied."""
    share = np.exp(items.log_entry.astype(np.float64))
    group = items.category.astype(np.int64)
    return VisitTables(
        quality=items.quality,
        item_factors=items.item_factors,
        click_update=items.click_update,
        start=items.start,
        retention=items.retention,
        group=group,
        outcome=outcome_table(params, items, group, int(group.max()) + 1),
        entry_cumulative=entry_table(share),
        slot=_float32(params.position_weight * np.arange(params.slate_size)),
        match=_float32(np.array([params.buy_match, params.return_match])),
        outside=_float32(np.array([items.outside])),
    )


def _float32(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float32)
