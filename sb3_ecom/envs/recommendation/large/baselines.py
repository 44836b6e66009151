"""Baselines of a shop without a learner: queries and pages from observations only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.large.env import LargeTask
from sb3_ecom.envs.recommendation.large.shop import DIRECTIONS, QUERY_WEIGHTS
from sb3_ecom.envs.recommendation.session.tracker import FACTS

_TUNING_EPISODES = 512
#: Share of a click that the query keeps per later click, weight of the newest, of popularity, of exits.
_PROFILES = (
    (0.0, 0.5, 0.0, 0.0),
    (0.5, 0.5, 0.0, 0.2),
    (0.7, 0.35, 0.0, 0.2),
    (0.7, 0.5, 0.4, 0.2),
)


def random_page(task: LargeTask) -> Policy:
    """Show K items drawn uniformly (a stream of its own)."""
    generator, k = np.random.default_rng(0), task.params.slate_size
    return lambda observation: generator.integers(task.items.size, size=(len(observation), k))


def zero_action(task: LargeTask) -> Policy:
    """Leave every weight at 0: with ``action="query"`` the most popular items that were not opened."""
    return constant(task, np.zeros(task.tables.public.mix.shape[0] - 1))


def constant(task: LargeTask, weights: Array) -> Policy:
    """Give the same weights on every page."""
    action = np.asarray(weights, dtype=np.float32)
    return lambda observation: np.broadcast_to(action, (len(observation), action.size))


def constant_query(weights: tuple[float, ...]) -> Callable[[LargeTask], Policy]:
    """Return the baseline of the best constant query; another kind of action has the zero action."""
    return lambda task: constant(task, weights) if task.kind == "query" else zero_action(task)


def related_items(task: LargeTask) -> Policy:
    """Ask for what a click on the last item makes attractive: "customers also looked at"."""
    return _profile(task, 0.0, 0.5, -1.0, 0.0)


def last_click_query(task: LargeTask) -> Policy:
    """Ask for what the newest click makes attractive, beside what is popular: `session_query`, memoryless."""
    return _profile(task, *_PROFILES[0])


def constant_and_click(weights: tuple[float, ...]) -> Callable[[LargeTask], Policy]:
    """Return the baseline of half the best constant query and what the newest click makes attractive.

    On top of that query, older clicks earned nothing more. Another kind of action has `last_click_query`.
    """

    def make(task: LargeTask) -> Policy:
        if task.kind != "query":
            return last_click_query(task)
        click, half = last_click_query(task), 0.5 * np.asarray(weights, dtype=np.float32)
        return lambda observation: np.clip(half + click(observation), -1, 1)

    return make


def diagonal_query(task: LargeTask, **numbers: float) -> Policy:
    """Ask for a constant query and the newest click's directions, each direction at a weight of its own.

    Numbers: the four weights `plain_i` before the directions (popularity, exits, price, satiation as in the
    action), and for direction i `base_i` (the constant part) and `click_i`. Another kind of action has
    `last_click_query`.
    """
    if task.kind != "query":
        return last_click_query(task)
    base, click = (
        np.array([numbers[f"{part}_{i}"] for i in range(DIRECTIONS)], np.float32)
        for part in ("base", "click")
    )
    layout = task.observation_space.layout
    first = QUERY_WEIGHTS - DIRECTIONS

    def policy(observation: Array) -> Array:
        _, history = layout.split(observation)
        action = np.zeros((len(observation), QUERY_WEIGHTS), dtype=np.float32)
        action[:, :first] = [numbers[f"plain_{i}"] for i in range(first)]
        action[:, first:] = base + click * history[:, -1, FACTS:]
        return np.clip(action, -1, 1)

    return policy


def session_query(task: LargeTask) -> Policy:
    """Ask for what the clicks so far make attractive, newer ones more; searched on common visitors."""
    key: tuple[Any, ...] = (
        id(task.items.item_factors),
        task.params,
        task.kind,
        tuple(task.reward_weights.items()),
    )
    for known, _, profile in _TUNED:
        if known[0] == key[0] and known[1] is key[1] and known[2:] == key[2:]:
            return _profile(task, *profile)
    loop = StepLoop(task, _TUNING_EPISODES)
    returns = [run_episodes(loop, _profile(task, *profile), seed=0)["reward"].mean() for profile in _PROFILES]
    best = _PROFILES[int(np.argmax(returns))]
    _TUNED.append((key, task.items, best))  # holding the items keeps their id their own
    del _TUNED[:-4]
    return _profile(task, *best)


_TUNED: list[tuple[tuple[Any, ...], Any, tuple[float, float, float, float]]] = []


def _profile(task: LargeTask, fading: float, weight: float, popularity: float, exits: float) -> Policy:
    """Return the policy of one profile; EcomRec's ranker has the last click already."""
    layout = task.observation_space.layout
    age = weight * fading ** np.arange(layout.steps)[::-1]
    width = task.tables.public.mix.shape[0] - 1
    plain = width == QUERY_WEIGHTS
    first = width - DIRECTIONS if plain else width - (layout.features - FACTS)

    def policy(observation: Array) -> Array:
        _, history = layout.split(observation)
        action = np.zeros((len(observation), width), dtype=np.float32)
        action[:, 0], action[:, 1 if plain else 2] = popularity, exits
        action[:, first:] = (history[..., FACTS:] * age[:, None]).sum(1)
        return np.clip(action, -1, 1)

    return policy
