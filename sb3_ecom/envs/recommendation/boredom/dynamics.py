"""One page for a visitor who clicks what he likes and is bored by too much of it. Pure, batched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams
from sb3_ecom.envs.recommendation.slates import empty_repeats

_TINY = 1e-9


class Tables(NamedTuple):
    """Constant arrays."""

    items: Array  # (N, T) unit vectors
    main: Array  # (N,) int, main topic
    one_hot: Array  # (T, T) identity
    propensity: Array  # (K,) click propensity of a slot
    taste_counts: Array  # (2,) cumulative chances of 3 and of at most 4 topics


class ResetNoise(NamedTuple):
    """What makes a visitor and his first, random page."""

    weight: Array  # (n, T) U[0, 1), of his topics
    order: Array  # (n, T) U[0, 1), which topics are his
    count: Array  # (n,) U[0, 1), how many
    slate: Array  # (n, K) U[0, 1)
    click: Array  # (n, K) U[0, 1)


class State(NamedTuple):
    """A visitor between two pages."""

    taste: Array  # (n, T) unit vector, without boredom; hidden
    clicks: Array  # (n, R) int, main topics of the latest clicks, newest last, -1 for none
    age: Array  # (n, R) pages since these clicks
    left: Array  # (n, T) pages of boredom left, 0 where not bored; hidden
    recent: Array  # (n, T) clicks per main topic that count now
    history: Array  # (n, H, 2 + 2 T) newest last: valid, clicks / K, mean clicked item, mean item shown
    page: Array  # (n,)


class Outcome(NamedTuple):
    """What one page brought."""

    slate: Array  # (n, K) int, -1 where a repeat left its slot empty
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    bored: Array  # (n,) 1 if any topic bored the visitor while he saw the page
    relevant: Array  # (n,) expected share of the page that he likes


HISTORY = 10  # pages that the observation remembers


def start(noise: ResetNoise, params: BoredomParams, tables: Tables) -> State:
    """Return visitors after one random page, whose clicks are not counted."""
    xp = array_namespace(noise.weight)
    rank = xp.argsort(xp.argsort(noise.order, axis=1), axis=1)
    count = 3 + xp.sum(xp.astype(noise.count[:, None] >= tables.taste_counts, xp.int64), axis=1)
    taste = xp.where(rank < count[:, None], noise.weight, 0.0 * noise.weight)
    zero = 0.0 * noise.count
    none = xp.astype(xp.zeros_like(noise.weight), xp.int64)[:, :1] - 1
    history = xp.stack([xp.stack([zero] * (2 + 2 * params.topics), axis=1)] * HISTORY, axis=1)
    blank = State(
        _unit(xp, taste),
        xp.concat([none] * params.remembered, axis=1),
        xp.stack([zero] * params.remembered, axis=1),
        xp.zeros_like(taste),
        xp.zeros_like(taste),
        history,
        zero - 1.0,
    )
    slate = xp.clip(xp.astype(noise.slate * params.items, xp.int64), 0, params.items - 1)
    return step(blank, slate, noise.click, params, tables)[0]


def felt_taste(state: State, params: BoredomParams) -> Array:
    """Return (n, T): the taste as boredom leaves it."""
    xp = array_namespace(state.taste)
    bored = state.left > 0
    if params.boredom == "car":
        return xp.where(xp.any(bored, axis=1)[:, None], 0.0 * state.taste, state.taste)
    if params.boredom == "tloi":
        return xp.where(bored, 0.0 * state.taste, state.taste)
    return state.taste


def relevance(cosine: Array, params: BoredomParams) -> Array:
    """Return the chance that an item at the first slot is clicked."""
    xp = array_namespace(cosine)
    return 1.0 / (1.0 + xp.exp(xp.clip(-params.slope * (cosine - params.offset), -60.0, 60.0)))


def step(
    state: State, action: Array, noise: Array, params: BoredomParams, tables: Tables
) -> tuple[State, Outcome]:
    """Show (n, K) items; `noise` is (n, K) U[0, 1), one per slot.

    A slot is clicked with relevance x propensity. Afterwards boredom runs down, clicks of the last pages are
    counted per main topic and bore a topic that has `bored_at` of them, and the taste moves to what was
    clicked. Source: Deffayet et al. 2023, SARDINE (github.com/naver/sardine, v1.0.8).
    """
    xp = array_namespace(action)
    slate = empty_repeats(action)
    shown = xp.astype(slate >= 0, state.taste.dtype)
    ids = xp.where(slate < 0, 0 * slate, slate)
    vectors = tables.items[ids]
    like = relevance(xp.matmul(vectors, felt_taste(state, params)[:, :, None])[..., 0], params) * shown
    clicks = xp.astype(noise < like * tables.propensity, like.dtype)
    total = xp.sum(clicks, axis=1)
    topics, age = _remember(xp, state, xp.where(clicks > 0, tables.main[ids], 0 * ids - 1), params)
    counted = xp.astype((topics >= 0) & (age <= params.window), like.dtype)
    hits = tables.one_hot[xp.where(topics < 0, 0 * topics, topics)]
    recent = xp.matmul(counted[:, None, :], hits)[:, 0]
    clicked = xp.matmul(clicks[:, None, :], vectors)[:, 0] / xp.clip(total, 1.0, None)[:, None]
    seen = xp.matmul(shown[:, None, :], vectors)[:, 0] / xp.sum(shown, axis=1)[:, None]
    facts = xp.stack([xp.ones_like(total), total / params.slate_size], axis=1)
    row = xp.concat([facts, clicked, seen], axis=1)
    after = State(
        follow_clicks(xp, state.taste, clicked, total, params),
        topics,
        age,
        _boredom(xp, state.left, recent, params),
        recent,
        xp.concat([state.history[:, 1:], row[:, None]], axis=1),
        state.page + 1.0,
    )
    bored = xp.astype(xp.any(state.left > 0, axis=1), total.dtype)
    return after, Outcome(slate, clicks, total, bored, xp.sum(like, axis=1) / params.slate_size)


def _remember(xp: Any, state: State, fresh: Array, params: BoredomParams) -> tuple[Array, Array]:
    """Return topics and ages of the latest `remembered` clicks; `fresh` is (n, K), -1 for no click."""
    size = params.remembered
    topics = xp.concat([state.clicks, fresh], axis=1)
    age = xp.concat([state.age + 1.0, xp.zeros_like(state.age[:, :1]) + xp.zeros_like(fresh) + 1.0], axis=1)
    valid = xp.astype(topics >= 0, xp.int64)
    newer = xp.sum(valid, axis=1)[:, None] - xp.cumulative_sum(valid, axis=1)
    # Each click goes to its place from the right; what is dropped or empty goes to a spare column.
    place = xp.where((valid > 0) & (newer < size), size - newer, 0 * newer)
    rows = index_range(topics.shape[0], topics)[:, None]
    kept = xp.concat([0 * state.clicks - 1, 0 * state.clicks[:, :1] - 1], axis=1)
    ages = xp.concat([0.0 * state.age, 0.0 * state.age[:, :1]], axis=1)
    kept[rows, place] = topics
    ages[rows, place] = age
    return kept[:, 1:] * 1, ages[:, 1:] * 1.0


def _boredom(xp: Any, left: Array, recent: Array, params: BoredomParams) -> Array:
    """Return pages of boredom left: it runs down, and starts where enough clicks count."""
    left = xp.clip(left - 1.0, 0.0, None)
    if params.boredom == "none":
        return left
    starts = (recent >= params.bored_at) & (left <= 0)
    return xp.where(starts, xp.zeros_like(left) + params.window, left)


def follow_clicks(xp: Any, taste: Array, clicked: Array, total: Array, params: BoredomParams) -> Array:
    """Return the taste after a page whose clicked items have the mean `clicked`."""
    if params.influence == "none":
        return taste * 1.0
    pull = clicked
    if params.influence == "scalar":  # as published: the mean over all parts of all clicked vectors
        pull = xp.mean(clicked, axis=1)[:, None] + xp.zeros_like(clicked)
    moved = _unit(xp, params.inertia * taste + (1.0 - params.inertia) * pull)
    return xp.where((total > 0)[:, None], moved, taste)


def _unit(xp: Any, vector: Array) -> Array:
    return vector / xp.sqrt(xp.clip(xp.sum(vector * vector, axis=1), _TINY, None))[:, None]
