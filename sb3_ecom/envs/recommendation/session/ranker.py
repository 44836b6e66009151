"""The ranker that turns a few weights into a page."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, index_range, look_up, masked_fill, zeros

QUERY = 8  # d, directions of the query
WEIGHTS = 6 + QUERY  # k, length of the ranker's action
_CLOSED = -1e30  # score of an opened item
_TAIL = 6  # columns of `mix` after the query: popularity, exit, price, affinity, same category, satiation


class DefaultRanker(NamedTuple):
    """The ranker that a zero action leaves as it is: popular items near the last click, nothing tuned."""

    popularity: float = 1.0  # times log popularity
    affinity: float = 1.0  # times the affinity to the last click
    exit_effect: float = 0.0  # against items after which many leave
    same_category: float = 0.0
    satiation: float = 0.0  # per click on the category, decayed


DEFAULT_RANKER = DefaultRanker()
#: The best constant action known for the preset `eshop`; `benchmarks/ladder.py ID --constant` searches it.
CONSTANT_WEIGHTS = (
    *(0.17, 0.2, 0.33, -0.01, 0.4, -0.13, 0.09, -0.19),
    *(-0.13, -0.05, 0.1, -0.67, -0.36, -0.17),
)


def rank(shop: Any, weights: Array, last: Array, counts: Array, opened: Array, slate_size: int) -> Array:
    """Return the (n, K) items with the highest scores among those not opened in this session.

    Args:
        shop: the public tables, see `public_tables.ShopTables`.
        weights: (n, k) in [-1, 1], what to change of `DEFAULT_RANKER`; all zero is the default ranker.
        last: (n,) int, the item clicked last (at first the landing item).
        counts: (n, G) clicks per category so far, decayed.
        opened: (n, N) bool.
        slate_size: K.
    """
    return best_open(_item_scores(shop, weights, last, counts), opened, slate_size)


def _item_scores(shop: Any, weights: Array, last: Array, counts: Array) -> Array:
    """Return the (n, N) scores by which `rank` orders the items; arguments as there."""
    groups = counts.shape[1]
    gates = weights @ shop.gates[:-1] + shop.gates[-1]
    coefficients = gates[:, :-groups] * look_up(shop.context, last)
    coefficients[:, -groups:] -= gates[:, -groups:] * counts
    return coefficients @ shop.columns


def ranker_mix(step: Array) -> Array:
    """Return the (k + 1, d + 6) map from an action and 1 to what the ranker weighs; see `SessionTask`."""
    d = QUERY
    mix = np.zeros((WEIGHTS + 1, d + _TAIL))
    mix[6 : 6 + d, :d] = np.diag(step)
    for weight, column, size, centre in (
        (0, d, 1.0, DEFAULT_RANKER.popularity),
        (2, d + 1, -2.0, -DEFAULT_RANKER.exit_effect),
        (5, d + 2, 0.5, 0.0),  # price
        (1, d + 3, 1.0, DEFAULT_RANKER.affinity),
        (3, d + 4, 2.0, DEFAULT_RANKER.same_category),
        (4, d + 5, 1.0, DEFAULT_RANKER.satiation),
    ):
        mix[weight, column], mix[-1, column] = size, centre
    return mix


def best_open(scores: Array, opened: Array, slate_size: int) -> Array:
    """Return the (n, K) item ids with the highest (n, N) scores that are not opened, best first.

    K passes of argmax beat a partition of 217 scores on NumPy, and need no host on a device.
    """
    scores = masked_fill(scores, opened, _CLOSED)
    rows = index_range(scores.shape[0], scores)
    taken = zeros(scores, 1) - np.inf  # an array: a GPU would wait for a number of the host
    slate = zeros(rows, scores.shape[0], slate_size)
    for slot in range(slate_size):
        if slot:
            scores[rows, slate[:, slot - 1]] = taken
        slate[:, slot] = scores.argmax(1)
    return slate
