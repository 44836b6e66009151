"""Pages that are good and not all of one topic: the rule of the ranker action and of the rotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, index_range

_NEVER = 1e6  # taken off the score of padding


def topic_lists(main: Array, topics: int) -> Array:
    """Return (T, L) item ids by main topic, short rows padded with -1."""
    members = [np.flatnonzero(np.asarray(main) == topic) for topic in range(topics)]
    lists = np.full((topics, max(len(row) for row in members)), -1, dtype=np.int64)
    for topic, row in enumerate(members):
        lists[topic, : len(row)] = row
    return lists


def diversified_page(lists: Array, scores: Array, discount: Array, head_start: Array, size: int) -> Array:
    """Return (n, K) items of highest score - discount x place, place counted within the main topic.

    Args:
        lists: (T, L) items by topic, see `topic_lists`.
        scores: (n, N) of the items, finite.
        discount: (n,) what each better item of the same topic costs, in units of the scores.
        head_start: (n, T) places that a topic has used up before the page.
        size: K.
    """
    xp = array_namespace(scores)
    n, (topics, length) = scores.shape[0], lists.shape
    depth = min(size, length)
    padded = lists < 0
    score = scores[:, xp.where(padded, 0 * lists, lists)] - _NEVER * xp.astype(padded, scores.dtype)
    best = _top(xp, score, depth)
    rows, place = index_range(n, scores)[:, None, None], index_range(topics, scores)[None, :, None]
    ids = lists[place, best]
    used = head_start[..., None] + xp.astype(index_range(depth, scores), scores.dtype)
    flat = xp.reshape(score[rows, place, best] - discount[:, None, None] * used, (n, -1))
    chosen = xp.argsort(-flat, axis=1)[:, :size]
    return xp.reshape(ids, (n, -1))[rows[:, :, 0], chosen]


def _top(xp: Any, score: Array, depth: int) -> Array:
    """Return indices of the `depth` highest along the last axis, best first."""
    if xp is np and score.shape[-1] > 4 * depth:  # a partial sort is several times faster
        part = np.argpartition(-score, depth, axis=-1)[..., :depth]
        order = np.argsort(-np.take_along_axis(score, part, -1), axis=-1)
        return np.take_along_axis(part, order, -1)
    return xp.argsort(-score, axis=-1)[..., :depth]
