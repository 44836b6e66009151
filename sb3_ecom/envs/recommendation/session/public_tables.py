"""Constants that the shop knows of its items: popularity, prices, and embeddings from its click log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams
from sb3_ecom.envs.recommendation.session.ranker import QUERY, ranker_mix
from sb3_ecom.envs.recommendation.session.tracker import (
    FACTS,
    context_scale,
    context_table,
    earlier_slots,
    group_table,
)
from sb3_ecom.envs.recommendation.session.visit_tables import standard

_FADING = 2  # clicks after which an item's influence is still to be seen, for the query's directions
_QUERY_STEP = 2.0  # clicks of influence that a weight of 1 asks for


class ShopTables(NamedTuple):
    """Public knowledge about N items, float32, each column of order one."""

    embedding: Array  # (N, E) of an item as an earlier click
    direction: Array  # (N, E) of an item as the next click: embedding_i . direction_j is what i does for j
    log_popularity: Array  # (N,)
    exit_effect: Array  # (N,) standardised: how many visitors leave after this item
    price: Array  # (N,) standardised log price
    category: Array  # (N, G) one-hot
    context_after: Array  # (G + 1, 2 (6 + G)) what a page does to the counts; see `tracker.context_table`
    slot_share: Array  # (K + 1,) slot / K
    scale: Array  # (6 + G,) by which the observation's context is divided
    # (N + 1, FACTS + E) a click in the history, embedding standardised, without the session's own
    # facts (bought, waited, slot); the last row, all 0, is no click
    event: Array
    context: Array  # (N, D + d + 3 + G) the last click as the ranker sees it: taste, ones, category
    columns: (
        Array  # (D + d + 3 + G, N) what the ranker weighs: taste, query, popularity, exit, price, category
    )
    gates: Array  # (k + 1, D + d + 3 + 2 G) from (weights, 1) to factors of `context` and counts
    group: Array  # (N + 1,) int, row of `context_after` by item, the last of no click
    earlier: Array  # (K, K, 1) bool, whether the second slot stands before the first


def shop_tables(params: SessionParams, whole: bool = False) -> ShopTables:
    """Derive the shop's knowledge from the fitted catalogue: all of it is in the shop's own log.

    Two item embeddings are factors of what a click does to the chances of the next items (singular value
    decomposition, clicks weighted by popularity): the slow one of what is left of it two clicks later,
    which the ranker's query speaks, and the fast one of what it does at once.

    Args:
        params: of the session; its catalogue, slate size and horizon are public.
        whole: whether a click's embedding holds the fast part after the slow one (E = 16) or the slow one
            alone (E = 8): the ranker has the affinity to the last click already.
    """
    items = params.catalogue
    kept = (items.popularity[:, None] * items.retention).sum(0) ** _FADING
    embedding, direction = _factors(items, items.click_update * kept)
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
    rows = (items.item_factors.T, query.T, log_popularity[None], exit_effect[None], price[None], category.T)
    # Each column of the mix, as often as there are numbers that it gates.
    near, same, tired = (QUERY + 3 + place for place in range(3))
    widths = (items.item_factors.shape[1], items.num_categories, items.num_categories)
    gated = [*[near] * widths[0], *range(near), *[same] * widths[1], *[tired] * widths[2]]
    tables = ShopTables(
        embedding=embedding,
        direction=direction,
        log_popularity=log_popularity,
        exit_effect=exit_effect,
        price=price,
        category=category,
        context_after=context_table(items.num_categories, params.satiation_decay),
        slot_share=np.arange(params.slate_size + 1) / params.slate_size,
        scale=context_scale(params.horizon, items.num_categories),
        group=group_table(items.category, items.num_categories),
        earlier=earlier_slots(params.slate_size),
        event=event,
        context=np.concatenate([items.start, np.ones((items.size, QUERY + 3)), category], axis=1),
        columns=np.concatenate(rows),
        gates=ranker_mix(step)[:, gated],
    )
    return ShopTables(*(_contiguous(table) for table in tables))


def _contiguous(table: Array) -> Array:
    """Return a table as the step wants it: floats as float32."""
    return np.ascontiguousarray(table, dtype=np.float32 if table.dtype.kind == "f" else None)


def affinity(items: Catalogue) -> Array:
    """Return (N, N) logits: what a first click on item i does for item j; rows have mean 0."""
    effect = items.start @ items.item_factors.T
    return effect - effect.mean(1, keepdims=True)


def _factors(items: Catalogue, update: Array) -> tuple[Array, Array]:
    """Return (N, d) embeddings and directions whose products approximate what click updates do for items."""
    effect = (update - items.popularity @ update) @ items.item_factors.T
    effect = effect - effect.mean(1, keepdims=True)
    _, scale, right = np.linalg.svd(np.sqrt(items.popularity)[:, None] * effect, full_matrices=False)
    d = min(QUERY, int((scale > 1e-9 * scale[0]).sum()))
    embedding, direction = np.zeros((2, items.size, QUERY))
    spread = right[:d].std(1)
    direction[:, :d] = right[:d].T / spread
    embedding[:, :d] = effect @ right[:d].T * spread
    return embedding, direction
