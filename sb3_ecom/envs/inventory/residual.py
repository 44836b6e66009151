"""Tuned rules whose orders a learned policy can offset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array


class ShiftedRule:
    """A tuned rule with additive offsets; called on observations, it is the rule as tuned.

    Attributes:
        num_offsets: floats of a shift, in units.
        num_features: floats that `features` returns: the actions of the rule as it was tuned.
        constants: of a rule whose levels were searched for, as `TunedShift` sets them.
    """

    constants: Mapping[str, Any]

    def __init__(
        self, num_offsets: int, read: Callable[[Array], Any], decide: Callable[[Any, Array], Array]
    ) -> None:
        """Keep `read`, which finds the state in (n, d) observations, and `decide`.

        `decide` maps a state and (n, num_offsets) shifts to (n, num_offsets) actions.
        """
        self.num_offsets = self.num_features = num_offsets
        self._read, self._decide = read, decide
        self._state: Any = None

    def __call__(self, observation: Array) -> Array:
        """Return the actions of the unshifted rule."""
        return self._decide(self._read(observation), np.zeros((len(observation), self.num_offsets)))

    def features(self, observation: Array) -> Array:
        """Take in (n, d) observations; return what the unshifted rule would do, (n, num_features) float32."""
        self._state = self._read(observation)
        return self._decide(self._state, np.zeros((len(observation), self.num_offsets)))

    def act(self, shift: Array) -> Array:
        """Return the actions shifted by (n, num_offsets) units, in the state of the last `features`."""
        return self._decide(self._state, shift)


class TunedShift:
    """Makes a rule with offsets around levels that are searched for, or given as constants.

    Args:
        tune: parameters of the task, at the costs that the reward charges -> whole numbers.
        build: (task, these numbers) -> rule.
    """

    def __init__(
        self, tune: Callable[[Any], Sequence[int]], build: Callable[[Any, Sequence[int]], ShiftedRule]
    ) -> None:
        self._tune, self._build = tune, build

    def __call__(self, task: Any) -> ShiftedRule:
        """Search, and return the rule."""
        return self._make(task, self._tune(task.tuning_params()))

    def fits(self, task: Any, constants: Mapping[str, Any]) -> bool:
        """Return whether the constants were tuned for a task of these parameters."""
        return bool(constants.get("params") == _params_hash(task))

    def from_constants(self, task: Any, constants: Mapping[str, Any]) -> ShiftedRule:
        """Return the rule without a search."""
        return self._make(task, tuple(constants["levels"]))

    def _make(self, task: Any, levels: Sequence[int]) -> ShiftedRule:
        rule = self._build(task, levels)
        rule.constants = {"params": _params_hash(task), "levels": [int(level) for level in levels]}
        return rule


def _params_hash(task: Any) -> str:
    return hashlib.sha256(repr(task.tuning_params()).encode()).hexdigest()[:12]
