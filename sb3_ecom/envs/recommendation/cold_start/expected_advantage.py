"""What showing an item is worth before chance decides on the click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.cold_start.dynamics import State


class ExpectedAdvantage:
    """Expected advantage over the one who knows every item's click rate: minus the regret.

    V is the clairvoyant's: the best item's rate on all impressions left, discounted. An item's chance of a
    click, plus V after it, less V before, is its rate less the best one's, whatever the discount. Summed over
    a season the gains are in expectation the policy's return less the clairvoyant's, so that lucky seasons
    (one has an item of rate .7, another none above .3) and lucky clicks teach nothing.

    Args:
        task: a `ColdTask`, on NumPy.
        discount: of the learner, in [0, 1].

    Source: S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002
        (lemma 6.1); see `sb3.vec_wrappers.privileged_critic`.
    """

    def __init__(self, task: Any, discount: float) -> None:
        self._horizon, self._discount = task.horizon, discount
        self._click: float = task.reward_weights.get("clicks", 0.0)

    def snapshot(self, state: State) -> State:
        """Return what `__call__` must know of the state before the step."""
        return state

    def value(self, state: State) -> Array:
        """Return (n,) what the clairvoyant earns from here on."""
        ahead = np.arange(self._horizon)
        weight = self._discount**ahead @ (ahead[:, None] < self._horizon - state.step)
        return self._click * weight * _rate(state.logit.max(axis=1))

    def __call__(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) float32 expected gain of ``step_info["item"]``, shown in `state`."""
        chosen = np.take_along_axis(state.logit, step_info["item"][:, None], axis=1)[:, 0]
        gain = self._click * (_rate(chosen) - _rate(state.logit.max(axis=1)))
        return np.asarray(gain, dtype=np.float32)


def _rate(logit: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-logit))
