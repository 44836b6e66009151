"""Logging policies: they return the chance of each action beside it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_number
from sb3_ecom.core.policies import end_notice
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task


class LoggingPolicy(Protocol):
    """Chooses actions and returns their chances."""

    def __call__(self, observation: Array) -> tuple[Array, Array]:
        """Return actions, (n,) or (n, K), and the chance of each item in its slot, same shape."""
        ...


def catalogue_size(space: spaces.Space[Any]) -> tuple[int, int]:
    """Return N and K of Discrete(N) (K = 1) or MultiDiscrete([N] * K).

    Raises:
        ValueError: on another space.
    """
    if isinstance(space, spaces.Discrete):
        return int(space.n), 1
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1 and not np.ptp(space.nvec):
        return int(space.nvec[0]), len(space.nvec)
    raise ValueError(f"a log of items needs Discrete(N) or MultiDiscrete([N] * K), got {space}")


class UniformItems:
    """Show K different items, all pages equally likely: each item has the chance 1 / N in each slot."""

    def __init__(self, task: Task, seed: int = 0) -> None:
        self._items, self._size = catalogue_size(task.action_space)
        self._flat = isinstance(task.action_space, spaces.Discrete)
        self._generator = np.random.default_rng(seed)

    def __call__(self, observation: Array) -> tuple[Array, Array]:
        """Draw."""
        n = len(observation)
        if self._size == 1:
            page = self._generator.integers(self._items, size=(n, 1))
        else:
            keys = self._generator.random((n, self._items))
            page = np.argpartition(keys, self._size - 1, axis=1)[:, : self._size]
            # argpartition orders within the K smallest by accident; shuffle the slots.
            page = np.take_along_axis(page, self._generator.random(page.shape).argsort(axis=1), axis=1)
        action = page[:, 0] if self._flat else page
        return action, np.full(action.shape, 1.0 / self._items)


class EpsilonGreedy:
    """Do what a policy says, and with probability epsilon show any item, or any page of K different ones.

    Raises:
        ValueError: on an epsilon outside (0, 1], or an action space without items.
    """

    def __init__(self, task: Task, policy: Policy, epsilon: float, seed: int = 0) -> None:
        check_number("epsilon", epsilon, above=0, high=1)
        self._anything = UniformItems(task, seed)
        self._policy, self._epsilon = policy, epsilon
        self._generator = np.random.default_rng([seed, 1])

    def __call__(self, observation: Array) -> tuple[Array, Array]:
        """Draw."""
        strange, chance = self._anything(observation)
        wish = np.asarray(self._policy(observation)).reshape(strange.shape)
        explore = self._generator.random(len(observation)) < self._epsilon
        action = np.where(explore if strange.ndim == 1 else explore[:, None], strange, wish)
        return action, self._epsilon * chance + (1 - self._epsilon) * (action == wish)

    def episode_ended(self, rows: Array) -> None:
        """Tell the wrapped policy that these copies begin anew."""
        end_notice(self._policy)(rows)
