"""What the shop knows of its items, and the ranker that turns a few weights into a page."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, index_range, look_up, masked_fill, zeros
from sb3_ecom.envs.recommendation.session.dynamics import Visit
from sb3_ecom.envs.recommendation.session.params import Catalogue
from sb3_ecom.envs.recommendation.session.session_log import FACTS, context_scale, page_table
from sb3_ecom.envs.recommendation.session.visit_tables import standard

QUERY = 8  # d, directions of the query
WEIGHTS = 6 + QUERY  # k, length of the ranker's action
_FADING = 2  # clicks after which an item's influence is still to be seen, for the query's directions
_QUERY_STEP = 2.0  # clicks' worth of influence that a weight of 1 asks for
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
#: The best constant action known for the preset `eshop`; printed by `python benchmarks/search_weights.py`:
#: 4.471 (s.e. 0.035) clicks on 20,000 visitors that the search has not met.
CONSTANT_WEIGHTS = (
    *(0.17, 0.2, 0.33, -0.01, 0.4, -0.13, 0.09, -0.19),
    *(-0.13, -0.05, 0.1, -0.67, -0.36, -0.17),
)


class ShopTables(NamedTuple):
    """Public knowledge about N items, float32, each column of order one."""

    embedding: Array  # (N, E) of an item as an earlier click
    direction: Array  # (N, E) of an item as the next click: embedding_i . direction_j is what i does for j
    log_popularity: Array  # (N,)
    exit_effect: Array  # (N,) standardised: how many visitors leave after this item
    price: Array  # (N,) standardised log price
    category: Array  # (N, G) one-hot
    page: Array  # (K + 1, 11) what the log notes by the slot clicked; see `session_log.page_table`
    scale: Array  # (6 + G,) by which the observation's context is divided
    # (N + 1, FACTS + E) a click in the history, embedding standardised, without the session's own
    # facts (bought, waited, slot); the last row, all 0, is no click
    event: Array
    context: Array  # (N, D + d + 3 + G) the last click as the ranker sees it: taste, ones, category
    columns: (
        Array  # (D + d + 3 + G, N) what the ranker weighs: taste, query, popularity, exit, price, category
    )
    gates: Array  # (k + 1, D + d + 3 + 2 G) from (weights, 1) to factors of `context` and satiation


def shop_tables(items: Catalogue, slate_size: int, horizon: int, whole: bool = False) -> ShopTables:
    """Derive the shop's knowledge from the fitted catalogue: all of it is in the shop's own log.

    Two item embeddings are factors of what a click does to the chances of the next items (singular value
    decomposition, clicks weighted by popularity): the slow one of what is left of it two clicks later,
    which the ranker's query speaks, and the fast one of what it does at once.

    Args:
        items: the fitted catalogue.
        slate_size: K.
        horizon: pages.
        whole: whether a click's embedding holds the fast part after the slow one (E = 16) or the slow one
            alone (E = 8): the ranker has the affinity to the last click already.
    """
    kept = (items.popularity[:, None] * items.keep).sum(0) ** _FADING
    embedding, direction = _factors(items, items.impulse * kept)
    query, step = direction, _QUERY_STEP * embedding.std(0)
    if whole:
        parts = zip((embedding, direction), _factors(items, items.start), strict=True)
        embedding, direction = (np.concatenate(pair, axis=1) for pair in parts)
    category = np.eye(items.num_categories)[items.category]
    log_popularity = np.log(np.maximum(items.popularity, 1e-6))
    exit_effect, price = standard(items.exit_effect), standard(np.log(items.price))
    event = np.zeros((items.size + 1, FACTS + embedding.shape[1]))
    event[:-1, 0], event[:-1, 2] = 1, price
    event[:-1, FACTS:] = embedding / np.maximum(embedding.std(0), 1e-9)
    rows = (items.worth.T, query.T, log_popularity[None], exit_effect[None], price[None], category.T)
    # Each column of the mix, as often as there are numbers that it gates.
    near, same, tired = (QUERY + 3 + place for place in range(3))
    widths = (items.worth.shape[1], items.num_categories, items.num_categories)
    gated = [*[near] * widths[0], *range(near), *[same] * widths[1], *[tired] * widths[2]]
    tables = ShopTables(
        embedding=embedding,
        direction=direction,
        log_popularity=log_popularity,
        exit_effect=exit_effect,
        price=price,
        category=category,
        page=page_table(slate_size),
        scale=context_scale(horizon, items.num_categories),
        event=event,
        context=np.concatenate([items.start, np.ones((items.size, QUERY + 3)), category], axis=1),
        columns=np.concatenate(rows),
        gates=ranker_mix(step)[:, gated],
    )
    return ShopTables(*(np.ascontiguousarray(table, dtype=np.float32) for table in tables))


def affinity(items: Catalogue) -> Array:
    """Return (N, N) logits: what a first click on item i does for item j; rows have mean 0."""
    effect = items.start @ items.worth.T
    return effect - effect.mean(1, keepdims=True)


def rank(shop: ShopTables, weights: Array, last: Array, visit: Visit, slate_size: int) -> Array:
    """Return the (n, K) items with the highest scores among those not opened in this session.

    Args:
        shop: the item table.
        weights: (n, k) in [-1, 1], what to change of `DEFAULT_RANKER`; all zero is the usual ranker.
        last: (n,) int, the item clicked last (at first the landing item).
        visit: read for what the shop has seen itself: opened items and clicks per category.
        slate_size: K.
    """
    groups = visit.satiation.shape[1]
    gates = weights @ shop.gates[:-1] + shop.gates[-1]
    coefficients = gates[:, :-groups] * look_up(shop.context, last)
    coefficients[:, -groups:] -= gates[:, -groups:] * visit.satiation
    return best_open(coefficients @ shop.columns, visit.opened, slate_size)


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


def _factors(items: Catalogue, impulse: Array) -> tuple[Array, Array]:
    """Return (N, d) embeddings and directions whose products approximate what impulses do for items."""
    effect = (impulse - items.popularity @ impulse) @ items.worth.T
    effect = effect - effect.mean(1, keepdims=True)
    _, scale, right = np.linalg.svd(np.sqrt(items.popularity)[:, None] * effect, full_matrices=False)
    d = min(QUERY, int((scale > 1e-9 * scale[0]).sum()))
    embedding, direction = np.zeros((2, items.size, QUERY))
    spread = right[:d].std(1)
    direction[:, :d] = right[:d].T / spread
    embedding[:, :d] = effect @ right[:d].T * spread
    return embedding, direction


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
