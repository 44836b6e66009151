"""Shared frame of expected advantages: one step of a policy against a critic that sees the hidden state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Task
from sb3_ecom.core.tracker import State


class ExpectedAdvantage(ABC):
    """Expected reward plus discounted value of the next state, less the value of the state before the step.

    Any value V of hidden states will do: summed over an episode, the advantages are in expectation the
    policy's return less V of its start.

    Args:
        task: on NumPy.
        discount: of the learner, in [0, 1].

    Raises:
        ValueError: if the task lives on another backend than NumPy.

    Source: S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002
        (lemma 6.1).
    """

    def __init__(self, task: Task, discount: float) -> None:
        for table in task.tables.hidden:
            if not isinstance(table, np.ndarray):
                raise ValueError(f"expected_advantage needs NumPy arrays, got {type(table)}")
        self.reward_weights: Mapping[str, float] = task.reward_weights
        self.discount = discount

    def snapshot(self, state: State) -> State:
        """Return what `__call__` must know of the state before the step."""
        return state

    @abstractmethod
    def value(self, state: State) -> Array:
        """Return V of the states, (n,)."""

    @abstractmethod
    def advantage(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) expected advantage of the step that `step_info` describes, taken in `state`."""

    def __call__(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return `advantage` as float32."""
        return np.asarray(self.advantage(state, step_info), dtype=np.float32)
