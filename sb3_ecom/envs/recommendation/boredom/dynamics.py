"""One page for a visitor who clicks what he likes and is bored by too much of it. Pure, batched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.tracker import TaskTables
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams
from sb3_ecom.envs.recommendation.boredom.tracker import Decision, PageEvent, page_event
from sb3_ecom.envs.recommendation.slates import empty_repeats

_TINY = 1e-9


class HiddenTables(NamedTuple):
    """Constants of visitors and their clicks."""

    propensity: Array  # (K,) click propensity of a slot
    taste_counts: Array  # (2,) cumulative chances of 3 and of at most 4 topics


class ResetNoise(NamedTuple):
    """Noise of a visitor and his first, random page."""

    weight: Array  # (n, T) U[0, 1), of his topics
    order: Array  # (n, T) U[0, 1), which topics are his
    count: Array  # (n,) U[0, 1), how many
    slate: Array  # (n, K) U[0, 1)
    click: Array  # (n, K) U[0, 1)


class Visitor(NamedTuple):
    """A visitor between two pages; hidden."""

    taste: Array  # (n, T) unit vector, without boredom
    left: Array  # (n, T) pages of boredom that were left when the last page was shown


class Outcome(NamedTuple):
    """Result of one page."""

    slate: Array  # (n, K) int, -1 where a repeat left its slot empty
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    bored: Array  # (n,) 1 if any topic bored the visitor while he saw the page
    relevant: Array  # (n,) expected share of the page that he likes
    clicked: Array  # (n, T) mean vector of the items clicked, 0 where none was
    shown: Array  # (n, T) mean vector of the items shown


def start(noise: ResetNoise, params: BoredomParams, tables: TaskTables) -> tuple[Visitor, PageEvent]:
    """Return visitors after one random page, whose clicks are not counted, and that page."""
    xp = array_namespace(noise.weight)
    rank = xp.argsort(xp.argsort(noise.order, axis=1), axis=1)
    count = 3 + xp.sum(xp.astype(noise.count[:, None] >= tables.hidden.taste_counts, xp.int64), axis=1)
    taste = _unit(xp, xp.where(rank < count[:, None], noise.weight, 0.0 * noise.weight))
    slate = xp.clip(xp.astype(noise.slate * params.items, xp.int64), 0, params.items - 1)
    visitor = Visitor(taste, xp.zeros_like(taste))
    visitor, outcome = _show(visitor, empty_repeats(slate), noise.click, params, tables)
    return visitor, event_of(outcome)


def event_of(outcome: Outcome) -> PageEvent:
    """Return what the shop sees of a page."""
    return PageEvent(outcome.slate, outcome.clicks, outcome.total, outcome.clicked, outcome.shown)


def boredom_left(left: Array, recent: Array, params: BoredomParams) -> Array:
    """Return the (n, T) pages of boredom left when the next page is shown.

    Boredom runs down, and starts where enough clicks count.

    Args:
        left: (n, T) when the last page was shown.
        recent: (n, T) clicks per main topic that count after it.
        params: of the visitor.
    """
    xp = array_namespace(left)
    left = xp.clip(left - 1.0, 0.0, None)
    if params.boredom == "none":
        return left
    starts = (recent >= params.bored_at) & (left <= 0)
    return xp.where(starts, xp.zeros_like(left) + params.window, left)


def felt_taste(taste: Array, left: Array, params: BoredomParams) -> Array:
    """Return (n, T): the taste as boredom leaves it, with (n, T) pages of boredom left."""
    xp = array_namespace(taste)
    bored = left > 0
    if params.boredom == "car":
        return xp.where(xp.any(bored, axis=1)[:, None], 0.0 * taste, taste)
    if params.boredom == "tloi":
        return xp.where(bored, 0.0 * taste, taste)
    return taste


def relevance(cosine: Array, params: BoredomParams) -> Array:
    """Return the chance that an item at the first slot is clicked."""
    xp = array_namespace(cosine)
    return 1.0 / (1.0 + xp.exp(xp.clip(-params.slope * (cosine - params.offset), -60.0, 60.0)))


def step(
    state: Visitor, action: Decision, noise: Array, params: BoredomParams, tables: TaskTables
) -> tuple[Visitor, Outcome]:
    """Show (n, K) items; `noise` is (n, K) U[0, 1), one per slot.

    A slot is clicked with relevance x propensity. Clicks of the last pages bore a topic that has `bored_at`
    of them, and the taste moves to what is clicked. Source: Deffayet et al. 2023, SARDINE
    (github.com/naver/sardine, v1.0.8).
    """
    visitor = state._replace(left=boredom_left(state.left, action.recent, params))
    return _show(visitor, action.slate, noise, params, tables)


def _show(
    visitor: Visitor, slate: Array, noise: Array, params: BoredomParams, tables: TaskTables
) -> tuple[Visitor, Outcome]:
    xp = array_namespace(slate)
    taste, left = visitor
    shown = xp.astype(slate >= 0, taste.dtype)
    vectors = tables.public.items[xp.where(slate < 0, 0 * slate, slate)]
    felt = felt_taste(taste, left, params)
    like = relevance(xp.matmul(vectors, felt[:, :, None])[..., 0], params) * shown
    clicks = xp.astype(noise < like * tables.hidden.propensity, like.dtype)
    page = page_event(slate, clicks, vectors)
    bored = xp.astype(xp.any(left > 0, axis=1), like.dtype)
    relevant = xp.sum(like, axis=1) / params.slate_size
    outcome = Outcome(slate, clicks, page.total, bored, relevant, page.clicked, page.shown)
    moved = follow_clicks(xp, taste, page.clicked, page.total, params)
    return Visitor(moved, left * 1.0), outcome


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
