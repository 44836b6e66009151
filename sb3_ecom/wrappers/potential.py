"""Potential-based shaping, which leaves the optimal policy alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_number, show
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper

Potential = Callable[[Any], Array]  # (n, ...) observations -> (n,) reward units


class Phi(NamedTuple):
    """Potential of where the copies stand."""

    here: Array  # (n,)


def shaping(here: Array, there: Array, terminated: Array, gamma: float) -> Array:
    """Return ``gamma x there - here``, (n,), with a potential of 0 in a terminal state.

    A truncated episode has not ended by itself: its last state keeps its potential, as its value is kept by
    bootstrapping.

    Source: Ng, Harada & Russell (1999), "Policy invariance under reward transformations", ICML, theorem 1;
    Grzes (2017), "Reward shaping in episodic reinforcement learning", AAMAS, for the terminal state.
    """
    xp = array_namespace(here)
    return gamma * xp.where(terminated, xp.zeros_like(there), there) - here


@dataclass(frozen=True)
class PotentialShaped(RewardRule):
    """Adds ``gamma x potential(next) - potential(now)`` to the reward.

    The optimal policy stays the same whatever the potential is, if `gamma` is the algorithm's own.

    Source: see `shaping`.

    Args:
        potential: (n, ...) observations -> (n,) reward units, or the dotted path of such a function.
        gamma: the algorithm's discount, in (0, 1].

    Raises:
        ValueError: if `gamma` is out of bounds, `potential` is neither a function nor a path to one, or (in
            use) it returns another shape than (n,).
    """

    potential: Potential | str
    gamma: float = 0.99

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=1e-6, high=1)
        # Resolved here so that a wrong path fails when the wrapper is built.
        object.__setattr__(self, "potential", _find(self.potential))

    def start(self, observation: Any, blank: Array) -> Phi:
        """Value the first observations."""
        return Phi(self._value(observation, blank))

    def apply(self, state: Phi, step: Step, noise: Array | None) -> tuple[Phi, Step]:
        """Add the gain in potential."""
        there = self._value(step.observation, state.here)
        reward = step.reward + shaping(state.here, there, step.terminated, self.gamma)
        return Phi(there), step._replace(reward=reward)

    def _value(self, observation: Any, like: Array) -> Array:
        value = self.potential(observation)  # type: ignore[operator]
        if getattr(value, "shape", None) != like.shape:
            raise ValueError(f"potential must return shape {tuple(like.shape)}, got {show(value)}")
        return value + like * 0.0  # in double precision: the shaping is a difference of potentials


def _find(potential: Any) -> Potential:
    if callable(potential):
        return potential  # type: ignore[no-any-return]
    if isinstance(potential, str) and "." in potential:
        module, _, name = potential.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name)
        except Exception as error:
            raise ValueError(
                f"potential must be a function or its dotted path, got {show(potential)}, which cannot be "
                f"imported: {show(str(error))}"
            ) from error
        if callable(found):
            return found  # type: ignore[no-any-return]
    raise ValueError(f"potential must be a function or its dotted path, got {show(potential)}")


class PotentialShaping(RewardWrapper, rule=PotentialShaped):
    """gymnasium wrapper of `PotentialShaped`."""
