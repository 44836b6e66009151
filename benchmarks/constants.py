"""Searches the best constant action of any id: what a policy must beat to be called one.

Every candidate meets the same episodes, which nobody is evaluated on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.cross_entropy import Search, cross_entropy
from sb3_ecom.core.task import ItemRewardTask

SEARCH_SEED = 1_224
_TRIED = 24  # popular items that a slot of a page tries
_ROUNDS, _CANDIDATES = 30, 32  # of the search in a box

Value = Callable[[Any], float]


class Constant(NamedTuple):
    """A constant action and what finding it took."""

    action: Any
    budget: str


def constant_policy(action: Any) -> Callable[[Any], Any]:
    """Return the policy that always acts the same."""
    array = np.asarray(action)
    return lambda observation: np.repeat(array[None], len(observation), axis=0)


def search_constant(env_id: str, *, episodes: int, seed: int = SEARCH_SEED, **kwargs: Any) -> Constant:
    """Return the best constant action found.

    Discrete: every action. A page: slot by slot, the most popular items each. A quantity an item, where the
    reward is earned item by item: each item's best of 32. Another Box: the cross-entropy method (Rubinstein
    1999), 30 rounds of 32.

    Args:
        env_id: a registered id; its actions mean what `Spec.constant_kwargs` says.
        episodes: that every candidate meets.
        seed: of these episodes.
        **kwargs: of the environment.
    """
    kwargs = {**sb3_ecom.spec(env_id).constant_kwargs, **kwargs}
    tried = 0

    def value(action: Any) -> float:
        nonlocal tried
        tried += 1
        policy = constant_policy(action)
        return sb3_ecom.evaluate(env_id, policy, episodes=episodes, seed=seed, **kwargs).mean

    task = sb3_ecom.spec(env_id).make_task(**kwargs)
    space = task.action_space
    if kwargs.get("action") == "quantity" and isinstance(task, ItemRewardTask):
        action, tried = best_quantities(task, episodes, seed), _CANDIDATES
    elif isinstance(space, spaces.Discrete):
        action = max(range(int(space.n)), key=value)
    elif isinstance(space, spaces.MultiDiscrete):
        action = best_page(value, space.nvec.tolist())
    else:
        action = best_in_box(value, int(np.prod(space.shape))).reshape(space.shape)
    return Constant(action, f"{tried} simulations of {episodes} episodes")


def best_quantities(task: Any, episodes: int, seed: int) -> Any:
    """Return each item's best quantity: no simulation of one item needs to know the others'."""
    size, earned = task.action_space.shape[0], []
    levels = np.linspace(-1, 1, _CANDIDATES, dtype=np.float32)
    for level in levels:
        source = NumpyBackend(np.random.default_rng(seed))
        state = task.initial_state(task.draw_reset(source, episodes))
        total = np.zeros(size)
        for _ in range(task.horizon):
            action = np.full((episodes, size), level, np.float32)
            state, outcome = task.step(state, action, task.draw_step(source, episodes))
            total += np.asarray(task.item_rewards(outcome)).mean(axis=0)
        earned.append(total)
    return levels[np.argmax(earned, axis=0)]


def best_page(value: Value, sizes: list[int]) -> Any:
    """Improve a page slot by slot, from the items that earn most when every slot shows them."""
    alone = np.array([value(np.array([item % size for size in sizes])) for item in range(max(sizes))])
    popular = np.argsort(-alone)[:_TRIED].tolist()
    if len(set(sizes)) > 1 or len(sizes) > max(sizes):  # no page of distinct items: a menu each
        page = [popular[0] % size for size in sizes]
        options = [list(range(size)) for size in sizes]
    else:
        page = popular[: len(sizes)]
        options = [popular] * len(sizes)
    for slot in range(len(page)):
        others = {*page[:slot], *page[slot + 1 :]} if options[slot] is popular else set()
        page[slot] = max(
            (item for item in options[slot] if item not in others),
            key=lambda item: value(np.array([*page[:slot], item, *page[slot + 1 :]])),
        )
    return np.array(page)


def best_in_box(value: Value, size: int, *, rounds: int = _ROUNDS, candidates: int = _CANDIDATES) -> Any:
    """Search [-1, 1]^size by the cross-entropy method; the best sixth of a round's draws is the elite."""
    search = Search(rounds, candidates, candidates // 6)
    found = cross_entropy(
        lambda action, _: value(action.astype(np.float32)),
        np.zeros(size),
        np.full(size, 0.5),
        search,
        low=-1.0,
        high=1.0,
    )
    return found.astype(np.float32)
