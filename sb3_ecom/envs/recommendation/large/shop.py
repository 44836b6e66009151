"""Constants that a large shop knows of its items; turns a few weights into the query that a page answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.large.catalogue import LargeCatalogue
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.ranker import QUERY, ranker_mix
from sb3_ecom.envs.recommendation.session.tracker import (
    FACTS,
    context_scale,
    context_table,
    earlier_slots,
    group_table,
)
from sb3_ecom.envs.recommendation.session.visit_tables import standard

DIRECTIONS = 16  # d of action="query"
QUERY_WEIGHTS = 4 + DIRECTIONS  # k of action="query"
PAD = 32  # rows of `columns` come in multiples of it
_FADING = 2  # clicks after which the ranker's query looks at an item's influence, as EcomRec's does
_STEP = 2.0  # clicks of influence that a query weight of 1 asks for
_NOTHING = 1e-9  # of the largest eigenvalue: not a direction but rounding


class LargeShop(NamedTuple):
    """Public knowledge about N items, float32."""

    event: Array  # (N, FACTS + E) a click in the history; purchase, waiting time and slot are filled in
    columns: Array  # (P, C) what is multiplied with a query: [factors,] directions, popularity, exit, price,
    # category; P > N a multiple of PAD, spare rows 0
    mix: Array  # (k + 1, ...) from (weights, 1) to the query and what gates the rest
    price: Array  # (N,) currency units
    start: Array  # (N, D) taste after a landing: what a first click makes attractive, from the shop's own log
    context_after: Array  # (G + 1, 2 (6 + G)) what a page does to the counts; see `tracker.context_table`
    slot_share: Array  # (K + 1,) slot / K
    scale: Array  # (6 + G,) by which the observation's context is divided
    group: Array  # (N + 1,) int, row of `context_after` by item, the last of no click
    earlier: Array  # (K, K, 1) bool, whether the second slot stands before the first


def large_shop(items: LargeCatalogue, params: SessionParams, action: str) -> LargeShop:
    """Derive what the shop knows; all of it could stand in its own log.

    Embeddings e_i and directions d_j are factors of what a click on i does to the utility of j (singular
    value decomposition, clicks weighted by popularity): for "query" of what it does at once, in 16 numbers;
    for "ranker" of what is left two clicks later, in 8, as EcomRec's. The N x N effect is never built:
    it is a product of N x D tables, so its factors follow from D x D matrices.
    """
    share = np.exp(items.log_popularity.astype(np.float64)) / items.size
    if action == "query":
        embedding, direction, spread = _factors(items.start, items.item_factors, share, DIRECTIONS)
        near: tuple[Array, ...] = ()
        mix = _query_mix(_STEP * spread)
    else:
        kept = (share @ items.retention) ** _FADING
        update = items.click_update * kept.astype(np.float32)
        embedding, direction, spread = _factors(update, items.item_factors, share, QUERY)
        near = (items.item_factors,)
        mix = ranker_mix(_STEP * spread)
    price, exit_effect = standard(np.log(items.price)), standard(items.exit_effect)
    event = np.zeros((items.size + 1, FACTS + embedding.shape[1]), dtype=np.float32)
    event[:-1, 0], event[:-1, 2], event[:-1, FACTS:] = 1, price, embedding
    category = np.eye(int(items.category.max()) + 1, dtype=np.float32)[items.category]
    single = [column[:, None] for column in (items.log_popularity, exit_effect, price)]
    blocks = [*near, direction, *single, category]
    columns = np.zeros(
        (PAD * (items.size // PAD + 1), sum(block.shape[1] for block in blocks)), dtype=np.float32
    )
    np.concatenate(blocks, axis=1, out=columns[: items.size])
    return LargeShop(
        event=event,
        columns=columns,
        mix=mix.astype(np.float32),
        price=items.price,
        start=items.start,
        context_after=context_table(category.shape[1], params.satiation_decay),
        slot_share=(np.arange(params.slate_size + 1) / params.slate_size).astype(np.float32),
        scale=context_scale(params.horizon, category.shape[1]),
        group=group_table(items.category, category.shape[1]),
        earlier=earlier_slots(params.slate_size),
    )


def query_of(shop: LargeShop, weights: Array, last: Array, counts: Array) -> Array:
    """Return (n, C) queries: an item's score is its row of `columns` times the query.

    Args:
        shop: the item table.
        weights: (n, k) in [-1, 1].
        last: (n,) int, the item clicked last (at first the landing item).
        counts: (n, G) clicks per category so far, decayed.
    """
    xp = array_namespace(weights)
    mixed = weights @ shop.mix[:-1] + shop.mix[-1]
    groups = counts.shape[1]
    if weights.shape[1] == QUERY_WEIGHTS:
        return xp.concat([mixed[:, :-1], -mixed[:, -1:] * counts], axis=1)
    d = shop.columns.shape[1] - groups - shop.start.shape[1]  # directions and the three single columns
    near = mixed[:, d : d + 1] * shop.start[last]
    same = shop.columns[last][:, -groups:]  # one-hot category of the last click
    category = mixed[:, d + 1 : d + 2] * same - mixed[:, d + 2 :] * counts
    return xp.concat([near, mixed[:, :d], category], axis=1)


def _query_mix(step: Array) -> Array:
    """Return the (k + 1, d + 4) map from an action and 1 to [query, popularity, exit, price, satiation]."""
    d = DIRECTIONS
    mix = np.zeros((QUERY_WEIGHTS + 1, d + 4))
    mix[4:-1, :d] = np.diag(step)
    for weight, (size, centre) in enumerate(((1.0, 1.0), (-2.0, 0.0), (0.5, 0.0), (1.0, 0.0))):
        mix[weight, d + weight], mix[-1, d + weight] = size, centre
    return mix


def _factors(
    effect: Array, factors: Array, share: NDArray[np.float64], d: int
) -> tuple[Array, Array, NDArray[np.float64]]:
    """Factor A B^T, A = effect less its mean over clicks, B = factors less their mean; rows weigh `share`.

    Returns:
        (N, d) embeddings and (N, d) directions, each column with standard deviation 1, and the (d,) numbers
        by which their products must be multiplied to approximate A B^T.
    """
    right = factors - factors.mean(0, dtype=np.float64).astype(np.float32)
    values, axes = np.linalg.eigh((right.T @ right).astype(np.float64))
    used = values > _NOTHING * values[-1]
    root = np.sqrt(values[used])
    # B = Q (root axes^T) with Q orthonormal, so the factors of A B^T are those of the narrow `left`.
    left = (effect - (share @ effect).astype(np.float32)) @ (axes[:, used] * root).astype(np.float32)
    weighted = left * (share * len(share))[:, None].astype(np.float32)
    scale, turn = np.linalg.eigh((weighted.T @ left).astype(np.float64))
    rank = min(d, int((scale > _NOTHING * scale[-1]).sum()))
    turn = turn[:, ::-1][:, :rank]
    embedding, direction = np.zeros((2, len(factors), d), dtype=np.float32)
    direction[:, :rank] = right @ (axes[:, used] / root @ turn).astype(np.float32)
    embedding[:, :rank] = left @ turn.astype(np.float32)
    step = np.zeros(d)
    step[:rank] = _scale(embedding[:, :rank]) * _scale(direction[:, :rank])
    return embedding, direction, step


def _scale(table: Array) -> NDArray[np.float64]:
    """Divide the columns by their standard deviations, in place, and return these."""
    size = table.std(0, dtype=np.float64)
    table /= size.astype(np.float32)
    return np.asarray(size)
