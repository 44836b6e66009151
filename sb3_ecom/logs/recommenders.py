"""Collaborative filtering fitted to a log: what was clicked together, in anybody's sessions.

Both models answer `scores(items, weights)`, how well every item goes with a few clicked ones, and hold
`popularity`, (N,) reward per impression. They know nothing but the log;
`sb3_ecom.envs.recommendation.session.item_similarity.from_clicks` makes a
policy of either.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.logs.table import Log

_PRIOR = 10.0  # impressions' worth of the log's mean reward that an item's own rate starts from


class ItemKnn:
    """Items that the same sessions clicked: cosine of binary co-occurrence, the nearest few kept.

    Source: Sarwar et al. 2001, doi:10.1145/371920.372071, section 3.1.1, with a shrunken denominator, so that
    one common session does not make two rare items the nearest of neighbours.

    Args:
        log: with sessions.
        num_items: N, items of the catalogue.
        neighbours: kept per item, >= 1.
        shrink: added to the denominator, in sessions, >= 0.

    Raises:
        ValueError: on an item outside [0, N), a bad number, or a log in which no session clicked two items.
    """

    def __init__(self, log: Log, num_items: int, *, neighbours: int = 100, shrink: float = 5.0) -> None:
        from scipy.sparse import csr_array, diags_array

        check_at_least("neighbours", neighbours, 1)
        check_at_least("shrink", shrink, 0)
        clicks = clicked_together(log, num_items)
        together = csr_array(clicks.T @ clicks)
        size = together.diagonal()
        together = csr_array(together - diags_array(size))
        together.eliminate_zeros()
        row, column = together.nonzero()
        together.data = together.data / (np.sqrt(size[row] * size[column]) + shrink)
        self._similarity = _nearest(together, neighbours)
        self.popularity = reward_rate(log, num_items)

    def scores(self, items: Array, weights: Array) -> Array:
        """Return (n, N) sums of similarities to the clicked items."""
        return np.asarray(_profile(items, weights, len(self.popularity)) @ self._similarity)


class PureSvd:
    """Matrix factorisation: the sessions' clicks projected on the leading directions of all sessions.

    Clicks not made count as zeros; a new visitor needs no fit, his clicks are projected as they are.
    Source: Cremonesi et al. 2010, doi:10.1145/1864708.1864721, section 3.2.2 (PureSVD, equation 10).

    Args:
        log: with sessions.
        num_items: N, items of the catalogue.
        factors: directions kept, in [1, N).

    Raises:
        ValueError: on an item outside [0, N), a bad number, or a log in which no session clicked two items.
    """

    def __init__(self, log: Log, num_items: int, *, factors: int = 32) -> None:
        from scipy.sparse.linalg import svds

        clicks = clicked_together(log, num_items)
        most = min(clicks.shape) - 1
        if not 1 <= factors <= most:
            raise ValueError(f"factors must be in [1, {most}] for {clicks.shape[0]} sessions, got {factors}")
        start = np.ones(min(clicks.shape))  # of the iteration: the same log gives the same numbers
        self._items = svds(clicks.astype(np.float64), k=factors, v0=start)[2].T
        self.popularity = reward_rate(log, num_items)

    def scores(self, items: Array, weights: Array) -> Array:
        """Return (n, N) entries of the projected rows."""
        profile = _profile(items, weights, len(self.popularity))
        return cast(Array, profile @ self._items @ self._items.T)


def clicked_together(log: Log, num_items: int) -> Any:
    """Return the sparse (sessions, N) matrix of 0 and 1: sessions that clicked two items or more.

    Raises:
        ValueError: on an item outside [0, N), or if there is no such session.
    """
    from scipy.sparse import csr_array

    _check_items(log, num_items)
    clicked = log.reward > 0
    _, session = np.unique(log.session[clicked], return_inverse=True)
    pairs = np.unique(session * num_items + log.item[clicked])
    session, item = pairs // num_items, pairs % num_items
    several = np.bincount(session)[session] > 1 if len(session) else np.zeros(0, dtype=bool)
    if not several.any():
        raise ValueError(f"a log needs sessions with clicks on 2 items or more, got 0 in {len(log)} rows")
    _, row = np.unique(session[several], return_inverse=True)
    shape = (int(row.max()) + 1, num_items)
    return csr_array((np.ones(len(row)), (row, item[several])), shape=shape)


def reward_rate(log: Log, num_items: int) -> Array:
    """Return (N,) reward per impression, shrunk to the log's mean where an item was rarely shown."""
    _check_items(log, num_items)
    shown = np.bincount(log.item, minlength=num_items)
    earned = np.bincount(log.item, weights=log.reward, minlength=num_items)
    mean = float(log.reward.mean()) if len(log) else 0.0
    return np.asarray((earned + _PRIOR * mean) / (shown + _PRIOR))


def _nearest(similarity: Any, neighbours: int) -> Any:
    """Return the sparse matrix with the largest entries of each row."""
    from scipy.sparse import csr_array

    row = np.repeat(np.arange(similarity.shape[0]), np.diff(similarity.indptr))
    order = np.lexsort((-similarity.data, row))
    rank = np.arange(len(row)) - similarity.indptr[row]
    kept = order[rank < neighbours]
    entries = (similarity.data[kept], (row[kept], similarity.indices[kept]))
    # Scores are sums over clicked items i of similarity[i, j]: rows are what was clicked.
    return csr_array(entries, shape=similarity.shape)


def _profile(items: Array, weights: Array, num_items: int) -> Array:
    """Return (n, N) the weights of the clicked items."""
    profile = np.zeros((len(items), num_items + 1))
    rows = np.broadcast_to(np.arange(len(items))[:, None], items.shape)
    np.add.at(profile, (rows, items), np.broadcast_to(weights, items.shape))  # -1 falls on the spare column
    return profile[:, :-1]


def _check_items(log: Log, num_items: int) -> None:
    outside = log.item[(log.item < 0) | (log.item >= num_items)]
    if outside.size:
        raise ValueError(f"item must be in [0, {num_items}), got {outside[0]}")
