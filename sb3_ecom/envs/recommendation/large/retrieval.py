"""The K best items for a query: by the exact product, or among those that an index of cells finds."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.large.shop import PAD

_SCORES = 2**20  # floats of the scores held at a time: they stay in a cache, and memory does not grow
_ITERATIONS = 10  # of k-means
_POINTS = {"min_points_per_centroid": 1, "max_points_per_centroid": 64}  # that k-means looks at
_EXTRA = "approximate retrieval needs faiss: pip install 'sb3-ecom[large]', or choose retrieval='exact'"


def best_exact(columns: Array, query: Array, opened: Array, size: int, k: int) -> Array:
    """Return the (n, k) ids of the items with the highest scores that are not opened, best first.

    Args:
        columns: (P, C) item table, P > `size` a multiple of PAD.
        query: (n, C).
        opened: (n, L) int ids, -1 where none.
        size: N, rows of `columns` that are items.
        k: items wanted.
    """
    xp = array_namespace(query)
    rows = max(1, _SCORES // columns.shape[0])
    best = []
    for first in range(0, query.shape[0], rows):
        scores = query[first : first + rows] @ columns.T
        here = index_range(scores.shape[0], scores)[:, None]
        lowest = _lowest(xp, scores)
        scores[here, opened[first : first + rows]] = lowest  # -1 falls on a spare row
        scores[:, size:] = lowest
        best.append(_best(xp, scores, k))
    return xp.concat(best, axis=0) if len(best) > 1 else best[0]


def _best(xp: Any, scores: Array, k: int) -> Array:
    """Return the (n, k) places of the highest of (n, P) scores, best first.

    The k best lie in the k groups with the highest maxima; a group is every (P / PAD)-th score, so that the
    maxima are taken over whole rows at once: one pass instead of k.
    """
    n, width = scores.shape
    groups = width // PAD
    rows = index_range(n, scores)[:, None]
    if groups <= k:
        return _passes(xp, scores, k)
    group = _passes(xp, xp.max(xp.reshape(scores, (n, PAD, groups)), axis=1), k)
    place = xp.reshape(group[:, :, None] + groups * index_range(PAD, scores), (n, k * PAD))
    return place[rows, _passes(xp, scores[rows, place], k)]


def _passes(xp: Any, scores: Array, k: int) -> Array:
    """Return the (n, k) places of the highest scores by k passes; overwrites them."""
    rows, lowest, found = index_range(scores.shape[0], scores), _lowest(xp, scores), []
    for _ in range(k):
        best = xp.argmax(scores, axis=1)
        found.append(best)
        scores[rows, best] = lowest
    return xp.stack(found, axis=1)


def _lowest(xp: Any, scores: Array) -> Array:
    """Return -inf where the scores live: written through indices, a Python number would be sent there."""
    return xp.zeros_like(scores[0, 0]) - xp.inf


class CellIndex:
    """Items in cells (k-means), of which a query searches those whose centres score highest.

    What is searched for is the highest inner product, not the nearest point. Distances are taken in
    coordinates stretched by the spread of the queries: there, two items are near each other if typical
    queries score them alike. The inverse stretch on the query leaves all scores as they are.

    Args:
        columns: (N, C) item table.
        queries: (m, C) typical queries.
        candidates: M, items returned.
        probes: cells searched, 0: see `_usual_probes`.

    Raises:
        ModuleNotFoundError: if faiss is not installed; names the extra.
    """

    def __init__(self, columns: Array, queries: Array, candidates: int, probes: int = 0) -> None:
        faiss = _faiss()
        size, width = columns.shape
        cells = _usual_cells(size)
        self.candidates = min(candidates, size)
        self.probes = min(probes or _usual_probes(size), cells)
        values, axes = np.linalg.eigh(queries.T.astype(np.float64) @ queries / len(queries))
        spread = np.sqrt(np.maximum(values, 1e-6 * values[-1]))
        self._unstretch = (axes / spread).astype(np.float32)
        stretched = columns @ (axes * spread).astype(np.float32)
        means = faiss.Kmeans(width, cells, niter=_ITERATIONS, seed=1, **_POINTS)
        means.train(stretched)
        centres = faiss.IndexFlatL2(width)
        centres.add(means.centroids)
        index = faiss.IndexIVFFlat(centres, width, cells, faiss.METRIC_INNER_PRODUCT)
        index.own_fields = False
        index.add(stretched)
        # Items stand in the cell whose centre is nearest; a query looks where the centre's score is highest.
        best = faiss.IndexFlatIP(width)
        best.add(means.centroids)
        index.quantizer = best
        index.nprobe = self.probes
        self._centres = (centres, best)  # faiss holds no reference of its own
        self._index = index

    def find(self, query: Array) -> Array:
        """Return (n, M) ids for (n, C) queries, best first, -1 where the cells held too few."""
        return cast(Array, self._index.search(query @ self._unstretch, self.candidates)[1])

    @property
    def num_bytes(self) -> int:
        """Size of the index."""
        return int(self._index.ntotal * (self._index.d * 4 + 8) + self._index.nlist * self._index.d * 4)

    def __getstate__(self) -> dict[str, Any]:
        """Return the index as bytes."""
        state = {**self.__dict__, "_index": _faiss().serialize_index(self._index)}
        del state["_centres"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the index back."""
        self.__dict__.update(state, _centres=None)
        self._index = _faiss().deserialize_index(state["_index"])
        self._index.nprobe = self.probes


def _usual_cells(size: int) -> int:
    """Return the number of cells for N items: 4 sqrt(N), rounded up."""
    return max(1, math.ceil(4 * math.sqrt(size)))


def _usual_probes(size: int) -> int:
    """Return how many cells to search."""
    return max(8, round(_usual_cells(size) / 64))


def best_of(candidates: Array, opened: Array, k: int) -> tuple[Array, Array]:
    """Return (n, k) the first candidates that are not opened, and the rows that have fewer than k.

    Args:
        candidates: (n, M) ids, best first, -1 where none.
        opened: (n, L) ids, -1 where none.
        k: items wanted.
    """
    taken = (candidates < 0) | (candidates[:, :, None] == opened[:, None, :]).any(2)
    order = np.argsort(taken, axis=1, kind="stable")[:, :k]
    short = np.flatnonzero(taken.shape[1] - taken.sum(1) < k)
    return np.take_along_axis(candidates, order, axis=1), short


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_EXTRA) from error
    return faiss
