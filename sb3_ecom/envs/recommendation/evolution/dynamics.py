"""One page of documents: perhaps one is watched, interest drifts, time runs. Pure, batched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams


class Tables(NamedTuple):
    """Constant arrays."""

    topic_quality: Array  # (T,) mean quality
    one_hot: Array  # (T, T) identity


class Documents(NamedTuple):
    """Noise of a batch of documents."""

    topic: Array  # (n, m) U[0, 1)
    quality: Array  # (n, m) N(0, 1)


class ResetNoise(NamedTuple):
    """Noise that starts an episode."""

    interest: Array  # (n, T) U[0, 1)
    documents: Documents


class StepNoise(NamedTuple):
    """Chance of one page."""

    choice: Array  # (n,) U[0, 1)
    drift: Array  # (n,) U[0, 1)
    documents: Documents  # of the next page


class Viewer(NamedTuple):
    """A viewer between two pages, and the documents at hand; hidden, but for the topics."""

    interest: Array  # (n, T) in [-1, 1]; shown where the task says so
    budget: Array  # (n,) minutes left
    topic: Array  # (n, m) int, of the candidates
    quality: Array  # (n, m) of the candidates, seen when watched


class Outcome(NamedTuple):
    """Result of one page."""

    slate: Array  # (n, K) int places among the candidates, after repeats were replaced
    topics: Array  # (n, K) int, of the slate
    slot: Array  # (n,) int, K where nothing was watched
    topic: Array  # (n,) int, of what was watched; of the last slot where nothing was
    clicked: Array  # (n,) 0 or 1
    watched: Array  # (n,) minutes
    quality: Array  # (n,) of what was watched, 0 for nothing
    budget: Array  # (n,) minutes left
    done: Array  # (n,) bool


def start(noise: ResetNoise, params: EvolutionParams, tables: Tables) -> Viewer:
    """Return new viewers before their first page."""
    xp = array_namespace(noise.interest)
    topic, quality = _make_documents(noise.documents, params, tables)
    budget = xp.zeros_like(noise.interest[:, 0]) + params.budget
    return Viewer(2.0 * noise.interest - 1.0, budget, topic, quality)


def _make_documents(noise: Documents, params: EvolutionParams, tables: Tables) -> tuple[Array, Array]:
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


def choice_weights(interest: Any, params: EvolutionParams) -> Any:
    """Return the choice weights of documents from the viewer's interest in their topics."""
    return interest + params.choice_shift


def minutes_spent(watched: Any, quality: Any, params: EvolutionParams) -> Any:
    """Return the minutes of budget that watching costs: the minutes, less what their quality refunds."""
    return watched * (1.0 - params.refund * quality)


def drift_size(interest: Any, params: EvolutionParams) -> Any:
    """Return the step by which a watched topic's interest u moves: d (1 - |u|)(1 - u)."""
    return params.drift * (1.0 - abs(interest)) * (1.0 - interest)


def drift_up_chance(interest: Any) -> Any:
    """Return the probability that a watched topic's interest u moves up: (u + 1) / 2."""
    return (interest + 1.0) / 2.0


def step(
    state: Viewer, action: Array, noise: StepNoise, params: EvolutionParams, tables: Tables
) -> tuple[Viewer, Outcome]:
    """Show (n, K) places among the candidates.

    A document is watched with probability weight / (sum of weights + skip weight), its weight the interest in
    its topic plus a shift. What is watched costs its minutes and refunds them by quality; nothing watched
    costs `skip_cost`. Source: Ie et al. 2019, RecSim (arXiv:1909.04847), interest evolution.
    """
    xp = array_namespace(action)
    rows = index_range(action.shape[0], action)
    topics = state.topic[rows[:, None], action]
    cumulative = xp.cumulative_sum(choice_weights(state.interest[rows[:, None], topics], params), axis=-1)
    threshold = noise.choice * (cumulative[:, -1] + params.skip_weight)
    slot = xp.sum(xp.astype(threshold[:, None] >= cumulative, xp.int64), axis=-1)
    clicked = xp.astype(slot < params.slate_size, cumulative.dtype)
    place = xp.clip(slot, 0, params.slate_size - 1)
    topic, chosen = topics[rows, place], action[rows, place]
    quality = clicked * state.quality[rows, chosen]
    watched = clicked * xp.clip(state.budget, None, params.length)
    spent = minutes_spent(watched, quality, params) + (1.0 - clicked) * params.skip_cost
    budget = state.budget - spent
    hit = clicked[:, None] * tables.one_hot[topic]
    fresh_topic, fresh_quality = _make_documents(noise.documents, params, tables)
    after = Viewer(_drift(xp, state.interest, hit, noise.drift, params), budget, fresh_topic, fresh_quality)
    outcome = Outcome(action, topics, slot, topic, clicked, watched, quality, budget * 1.0, budget <= 0.0)
    return after, outcome


def _drift(xp: Any, interest: Array, hit: Array, uniform: Array, params: EvolutionParams) -> Array:
    """Move the interest in the topic that was watched, up or down."""
    current = xp.sum(hit * interest, axis=1)
    move = drift_size(current, params)
    move = xp.where(uniform < drift_up_chance(current), move, -move)
    return xp.clip(interest + hit * move[:, None], -1.0, 1.0)
