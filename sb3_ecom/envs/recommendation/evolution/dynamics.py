"""One page of documents: perhaps one is watched, interest drifts, time runs. Pure, batched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams

HISTORY = 5  # pages that the observation remembers
FACTS = 4  # floats of a remembered page before the topic: validity, clicked, share watched, quality / 3


class Tables(NamedTuple):
    """Constant arrays."""

    topic_quality: Array  # (T,) mean quality
    one_hot: Array  # (T, T) identity


class Documents(NamedTuple):
    """What makes a batch of documents."""

    topic: Array  # (n, m) U[0, 1)
    quality: Array  # (n, m) N(0, 1)


class ResetNoise(NamedTuple):
    """What starts an episode."""

    interest: Array  # (n, T) U[0, 1)
    documents: Documents


class StepNoise(NamedTuple):
    """Chance of one page."""

    choice: Array  # (n,) U[0, 1)
    drift: Array  # (n,) U[0, 1)
    documents: Documents  # of the next page


class State(NamedTuple):
    """A viewer between two pages."""

    interest: Array  # (n, T) in [-1, 1]
    budget: Array  # (n,) minutes left, hidden
    topic: Array  # (n, m) int, of the candidates
    quality: Array  # (n, m) of the candidates, hidden until watched
    history: Array  # (n, HISTORY, FACTS + T) newest last


class Outcome(NamedTuple):
    """What one page brought."""

    slate: Array  # (n, K) int places among the candidates, after repeats were replaced
    topics: Array  # (n, K) int, of the slate
    slot: Array  # (n,) int, K where nothing was watched
    clicked: Array  # (n,) 0 or 1
    watched: Array  # (n,) minutes
    quality: Array  # (n,) of what was watched, 0 for nothing
    budget: Array  # (n,) minutes left
    done: Array  # (n,) bool


def start(noise: ResetNoise, params: EvolutionParams, tables: Tables) -> State:
    """Return new viewers before their first page."""
    xp = array_namespace(noise.interest)
    topic, quality = make_documents(noise.documents, params, tables)
    zero = xp.zeros_like(noise.interest[:, :1])
    width = xp.concat([zero] * FACTS + [xp.zeros_like(noise.interest)], axis=1)
    history = xp.stack([width] * HISTORY, axis=1)
    return State(2.0 * noise.interest - 1.0, zero[:, 0] + params.budget, topic, quality, history)


def make_documents(noise: Documents, params: EvolutionParams, tables: Tables) -> tuple[Array, Array]:
    """Return (n, m) topics and qualities of fresh documents."""
    xp = array_namespace(noise.topic)
    topic = xp.clip(xp.astype(noise.topic * params.topics, xp.int64), 0, params.topics - 1)
    return topic, tables.topic_quality[topic] + params.quality_sd * noise.quality


def without_repeats(slate: Array, candidates: int) -> Array:
    """Return the slate with each repeat moved on to the next place that is not on the page yet.

    Candidates are exchangeable, so random slates stay random slates of distinct documents.
    """
    xp = array_namespace(slate)
    columns = [slate[:, 0]]
    for place in range(1, slate.shape[1]):
        column = slate[:, place]
        for _ in range(place):  # each move can meet at most one earlier slot again
            taken = column == columns[0]
            for earlier in columns[1:]:
                taken = taken | (column == earlier)
            column = (column + xp.astype(taken, column.dtype)) % candidates
        columns.append(column)
    return xp.stack(columns, axis=1)


def step(
    state: State,
    action: Array,
    noise: StepNoise,
    params: EvolutionParams,
    tables: Tables,
    repeats: bool = False,
) -> tuple[State, Outcome]:
    """Show (n, K) places among the candidates.

    A document is watched with probability weight / (sum of weights + skip weight), its weight the interest in
    its topic plus a shift. What is watched costs its minutes and refunds them by quality; nothing watched
    costs `skip_cost`. Source: Ie et al. 2019, RecSim (arXiv:1909.04847), interest evolution.
    """
    xp = array_namespace(action)
    slate = action if repeats else without_repeats(action, params.candidates)
    rows = index_range(slate.shape[0], slate)
    topics = state.topic[rows[:, None], slate]
    cumulative = xp.cumulative_sum(state.interest[rows[:, None], topics] + params.choice_shift, axis=-1)
    threshold = noise.choice * (cumulative[:, -1] + params.skip_weight)
    slot = xp.sum(xp.astype(threshold[:, None] >= cumulative, xp.int64), axis=-1)
    clicked = xp.astype(slot < params.slate_size, cumulative.dtype)
    place = xp.clip(slot, 0, params.slate_size - 1)
    topic, chosen = topics[rows, place], slate[rows, place]
    quality = clicked * state.quality[rows, chosen]
    watched = clicked * xp.clip(state.budget, None, params.length)
    spent = watched * (1.0 - params.refund * quality) + (1.0 - clicked) * params.skip_cost
    budget = state.budget - spent
    hit = clicked[:, None] * tables.one_hot[topic]
    row = xp.concat([_facts(xp, clicked, watched / params.length, quality), hit], axis=1)
    fresh_topic, fresh_quality = make_documents(noise.documents, params, tables)
    after = State(
        _drift(xp, state.interest, hit, noise.drift, params.drift),
        budget,
        fresh_topic,
        fresh_quality,
        xp.concat([state.history[:, 1:], row[:, None]], axis=1),
    )
    return after, Outcome(slate, topics, slot, clicked, watched, quality, budget * 1.0, budget <= 0.0)


def _facts(xp: Any, clicked: Array, share: Array, quality: Array) -> Array:
    return xp.stack([xp.ones_like(clicked), clicked, share, quality / 3.0], axis=1)


def _drift(xp: Any, interest: Array, hit: Array, uniform: Array, size: float) -> Array:
    """Move the clicked topic's interest u by size (1 - |u|)(1 - u), up with probability (u + 1) / 2."""
    current = xp.sum(hit * interest, axis=1)
    move = size * (1.0 - xp.abs(current)) * (1.0 - current)
    move = xp.where(uniform < (current + 1.0) / 2.0, move, -move)
    return xp.clip(interest + hit * move[:, None], -1.0, 1.0)
