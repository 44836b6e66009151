"""Expected advantage of showing an item: minus the regret."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Task
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation import expected_advantage
from sb3_ecom.envs.recommendation.cold_start.dynamics import click_rate


class ExpectedAdvantage(expected_advantage.ExpectedAdvantage):
    """Expected advantage over the policy that knows every item's click rate: minus the regret.

    V is that policy's: the best item's rate on all impressions left, discounted. An item's click rate, plus
    V after it, less V before, is its rate less the best one's, whatever the discount; so neither easy
    seasons nor lucky clicks add variance.

    Args:
        task: a `ColdStartTask`, on NumPy.
        discount: of the learner, in [0, 1].
    """

    def __init__(self, task: Task, discount: float) -> None:
        super().__init__(task, discount)
        self._horizon = task.horizon
        self._click = self.reward_weights.get("clicks", 0.0)

    def value(self, state: State) -> Array:
        """Return the (n,) expected return of always showing the best item from here on."""
        ahead = np.arange(self._horizon)
        weight = self.discount**ahead @ (ahead[:, None] < self._horizon - state.tracked.step)
        return self._click * weight * click_rate(state.hidden.logit.max(axis=1))

    def advantage(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) expected advantage of ``step_info["item"]``, shown in `state`."""
        logit = state.hidden.logit
        chosen = np.take_along_axis(logit, step_info["item"][:, None], axis=1)[:, 0]
        return self._click * (click_rate(chosen) - click_rate(logit.max(axis=1)))
