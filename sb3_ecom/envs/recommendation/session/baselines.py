"""Baselines of a shop without a learner, from observations only.

Every policy returns item ids, (n, K): the page itself. It knows the shop's own tables (popularity, item
embeddings) and what an observation tells, nothing of the visitor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.public_tables import affinity
from sb3_ecom.envs.recommendation.session.ranker import QUERY, WEIGHTS, best_open
from sb3_ecom.envs.recommendation.session.tracker import FACTS

Tuned = TypeVar("Tuned")

_EXIT_WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
_TUNING_EPISODES = 1024


def _tuned_once(tune: Callable[[SessionTask], Tuned]) -> Callable[[SessionTask], Tuned]:
    """Keep what is searched or learned for a task: `evaluate` asks anew for each batch of episodes."""
    kept: dict[Any, tuple[SessionParams, Tuned]] = {}

    @wraps(tune)
    def remembered(task: SessionTask) -> Tuned:
        key = (id(task.params), task.action, tuple(sorted(task.reward_weights.items())))
        if key not in kept:
            kept[key] = (task.params, tune(task))  # holding the parameters keeps their id their own
        return kept[key][1]

    return remembered


class ObservedClicks:
    """Reads the clicked items back out of observations: an embedding names its item."""

    def __init__(self, task: SessionTask) -> None:
        self.layout = task.observation_space.layout
        self.shop = task.tables.public
        self.size = self.shop.embedding.shape[0]
        self._key = np.concatenate([self.shop.event[:-1, FACTS:], self.shop.price[:, None]], axis=1)

    def items(self, observation: Array) -> Array:
        """Return (n, T) item ids, newest last, -1 where there was no click."""
        _, history = self.layout.split(observation)
        seen = np.concatenate([history[..., FACTS:], history[..., 2:3]], axis=-1)
        # |a - b|^2 without the part that does not depend on the item
        distance = (self._key**2).sum(1) - 2 * seen @ self._key.T
        return np.where(history[..., 0] > 0, distance.argmin(-1), -1)

    def opened(self, items: Array) -> Array:
        """Return (n, N) bool: the item is among the remembered clicks."""
        opened = np.zeros((len(items), self.size + 1), dtype=bool)
        opened[np.arange(len(items))[:, None], items] = True  # -1 falls on the spare column
        return opened[:, :-1]


def random_slate(task: SessionTask) -> Policy:
    """Show K different items that were not opened, uniformly at random (a stream of its own)."""
    clicks, generator = ObservedClicks(task), np.random.default_rng(0)

    def policy(observation: Array) -> Array:
        opened = clicks.opened(clicks.items(observation))
        return best_open(generator.random(opened.shape, dtype=np.float32), opened, task.params.slate_size)

    return policy


def popularity(task: SessionTask) -> Policy:
    """Show the most clicked items that were not opened."""
    return _static_list(task, task.tables.public.log_popularity)


def constant_slate(task: SessionTask) -> Policy:
    """Show the same page always: the top K of the best list."""
    slate = np.argsort(-_best_list(task))[: task.params.slate_size]
    return lambda observation: np.broadcast_to(slate, (len(observation), slate.size))


def best_static_list(task: SessionTask) -> Policy:
    """Show the first K items of the best list that were not opened."""
    return _static_list(task, _best_list(task))


@_tuned_once
def _best_list(task: SessionTask) -> Array:
    """Return (N,) scores: popularity less so much of the exit effect as sells best.

    The weight is searched on common visitors, the list skipping opened items.
    """
    shop = task.tables.public
    lists = [shop.log_popularity - weight * shop.exit_effect for weight in _EXIT_WEIGHTS]
    loop = StepLoop(task, _TUNING_EPISODES)
    returns = [run_episodes(loop, _static_list(task, scores), seed=0)["reward"].mean() for scores in lists]
    return lists[int(np.argmax(returns))]


def _static_list(task: SessionTask, scores: Array) -> Policy:
    """Show the K best of fixed (N,) scores that were not opened."""
    clicks = ObservedClicks(task)

    def policy(observation: Array) -> Array:
        opened = clicks.opened(clicks.items(observation))
        return best_open(np.broadcast_to(scores, opened.shape), opened, task.params.slate_size)

    return policy


def related_items(task: SessionTask) -> Policy:
    """Show the items nearest to the last click: "customers also looked at"."""
    clicks = ObservedClicks(task)
    near = affinity(task.params.catalogue)

    def policy(observation: Array) -> Array:
        items = clicks.items(observation)
        return best_open(near[items[:, -1]], clicks.opened(items), task.params.slate_size)

    return policy


def item_knn(task: SessionTask) -> Policy:
    """Score items by cosine similarity of co-clicks with the remembered clicks, newer ones more.

    The similarities come from sessions that `popularity` with random slots served, as a shop's own log
    would; Source: Sarwar et al. 2001, item-based collaborative filtering, with binary co-occurrence.
    """
    clicks = ObservedClicks(task)
    similarity = _co_click_similarity(task)
    age = _KNN_DECAY ** np.arange(clicks.layout.steps)[::-1]

    def policy(observation: Array) -> Array:
        items = clicks.items(observation)
        weight = np.where(items >= 0, age, 0.0)
        scores = (similarity[items] * weight[..., None]).sum(1) + 1e-3 * clicks.shop.log_popularity
        return best_open(scores, clicks.opened(items), task.params.slate_size)

    return policy


_KNN_DECAY = 0.6  # per click
_KNN_SESSIONS = 4096


@_tuned_once
def _co_click_similarity(task: SessionTask) -> Array:
    """Return (N, N) cosine similarities of items in simulated sessions, 0 on the diagonal."""
    clicks = ObservedClicks(task)
    loop = StepLoop(task, _KNN_SESSIONS)
    logging = _explore(task, clicks)
    baskets = np.zeros((_KNN_SESSIONS, clicks.size))
    observation = loop.reset(1)
    alive = np.ones(_KNN_SESSIONS, dtype=bool)
    for _ in range(clicks.layout.steps * 2):
        result = loop.step(logging(observation))
        observation, item = result.observation, result.step_info["clicked"]
        rows = np.flatnonzero(alive & (item >= 0))
        baskets[rows, item[rows]] = 1
        alive[result.rows] = False
    together = baskets.T @ baskets
    norm = np.sqrt(np.maximum(np.diag(together), 1))
    similarity = together / norm[:, None] / norm[None, :]
    np.fill_diagonal(similarity, 0)
    return similarity


def _explore(task: SessionTask, clicks: ObservedClicks) -> Policy:
    """Show related items on some slots and random ones on the rest: a log that covers the catalogue."""
    related, generator = related_items(task), np.random.default_rng(2)

    def policy(observation: Array) -> Array:
        slate = np.array(related(observation))
        strange = generator.random(slate.shape) < 0.4
        slate[strange] = generator.integers(clicks.size, size=int(strange.sum()))
        return slate

    return policy


def session_profile(weights: Array) -> Callable[[SessionTask], Policy]:
    """Return constant weights with the visit's earlier clicks in the query, newer ones more.

    Value of memory in this action space: the last click is in the ranker already. How fast clicks fade
    and how much they weigh is searched on common visitors; a weight of 0 is among the candidates.
    """
    base = np.asarray(weights, dtype=np.float32)

    @_tuned_once
    def make(task: SessionTask) -> Policy:
        loop = StepLoop(task, _TUNING_EPISODES)
        policies = [_profile(task, base, fading, weight) for fading, weight in _PROFILES]
        returns = [run_episodes(loop, policy, seed=0)["reward"].mean() for policy in policies]
        return policies[int(np.argmax(returns))]

    return make


_PROFILES = (
    (0.9, 0.0),
    (0.8, 0.3),
    (0.9, 0.15),
    (0.9, 0.3),
    (0.95, 0.2),
)  # share kept per click, weight in the query


def _profile(task: SessionTask, base: Array, fading: float, weight: float) -> Policy:
    layout = task.observation_space.layout
    age = fading ** np.arange(layout.steps)[::-1]
    age[-1] = 0  # the last click: the ranker has it

    def policy(observation: Array) -> Array:
        _, history = layout.split(observation)
        action = np.broadcast_to(base, (len(observation), WEIGHTS)).copy()
        action[:, 6:] += weight * (history[..., FACTS : FACTS + QUERY] * age[:, None]).sum(1)
        return np.clip(action, -1, 1)

    return policy


def zero_action(task: SessionTask) -> Policy:
    """Leave every weight of the ranker at 0: `shop.DEFAULT_RANKER`."""
    return constant_weights(np.zeros(WEIGHTS))(task)


def constant_weights(weights: Array) -> Callable[[SessionTask], Policy]:
    """Return a baseline that ranks with the same (k,) weights on every page."""
    action = np.asarray(weights, dtype=np.float32)
    return lambda task: lambda observation: np.broadcast_to(action, (len(observation), action.size))


def weights_by_name(task: SessionTask, **weights: float) -> Policy:
    """Rank with the same weights on every page, given one by one (`weight_0` and on)."""
    return constant_weights(np.array([weights[f"weight_{place}"] for place in range(WEIGHTS)]))(task)
