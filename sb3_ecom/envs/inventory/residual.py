"""Tuned rules whose orders a learned policy can offset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array


class ShiftedRule:
    """A tuned rule with additive offsets; called on observations, it is the rule as tuned.

    Attributes:
        num_offsets: floats of a shift, in units.
        num_features: floats that `features` returns: the actions of the rule as it was tuned.
    """

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
