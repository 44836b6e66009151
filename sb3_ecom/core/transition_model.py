"""Transition models: exact chances of what may follow a step, for critics that take expectations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sb3_ecom.core.arrays import Array


class Outcomes(NamedTuple):
    """Possible outcomes of one step: probabilities, expected rewards, continuations, next-state features.

    B outcomes of each of n copies; the state after each is described by F floats of order one.
    """

    probabilities: Array  # (n, B), rows sum to 1
    rewards: Array  # (n, B) expected reward of each outcome
    continue_prob: Array  # (n, B) probability that the episode then goes on
    next_features: Array  # (n, B, F) of the state in which it goes on


class TransitionModel(Protocol):
    """Knows the chances of what may follow a step; it reads the simulator's state, which no policy does.

    Attributes:
        size: F, floats of a state's features.
    """

    size: int

    def snapshot(self, state: Any) -> Any:
        """Return what the methods below need of a state; it stays as it is when the state goes on."""

    def features(self, snapshot: Any) -> Array:
        """Return (n, F) float32 features of order one of all that matters for what is still to come."""

    def outcomes(self, snapshot: Any, step_info: Mapping[str, Array]) -> Outcomes:
        """Return what may follow a step that began at `snapshot` and whose info is `step_info`."""


class ExpectedAdvantage(Protocol):
    """Knows the advantage of steps before chance decides; it reads the simulator's state."""

    def snapshot(self, state: Any) -> Any:
        """Return what the call below needs of a state; it stays as it is when the state goes on."""

    def __call__(self, snapshot: Any, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) expected advantage of steps that began at `snapshot`."""
