"""Expected advantage of a page before chance decides what is watched and where the interest moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.task import Task
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.evolution.dynamics import (
    Viewer,
    choice_weights,
    drift_size,
    drift_up_chance,
    minutes_spent,
)
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams
from sb3_ecom.envs.recommendation.evolution.value_fit import fit_value
from sb3_ecom.envs.recommendation.expected_advantage import ExpectedAdvantage

_SESSIONS = 2048  # simulated, of some hundred pages each


class EvolutionAdvantage(ExpectedAdvantage):
    """Expected advantage of pages: minutes watched plus discounted value of what follows, less the value now.

    The value V of a viewer is linear in his interests, times the budget that he has left: a price of a
    minute. It is fitted to sessions in which the best topics are shown, whoever is watching, and need not be
    right. What a good document gives back shows at once, not when the budget runs out 60 pages later.

    Args:
        task: an `EvolutionTask`, on NumPy.
        discount: of the learner, in [0, 1].
    """

    def __init__(self, task: Task, discount: float) -> None:
        super().__init__(task, discount)
        self.params: EvolutionParams = task.params  # type: ignore[attr-defined]
        loop, quality = StepLoop(task, _SESSIONS), self.params.topic_quality

        def best_topics(_: Array) -> Array:
            return np.argsort(-quality[loop.state.tracked.topic], axis=1)[:, : self.params.slate_size]

        self._weights = fit_value(loop, best_topics, _features, discount)

    def value(self, state: State) -> Array:
        """Return V of viewers, (n,): 0 without budget."""
        price, rest = self._price(state.hidden)
        return np.where(state.hidden.budget > 0, rest + state.hidden.budget * price, 0.0)

    def advantage(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) expected advantage of ``step_info["slate"]``, shown to `state`."""
        p, topics, viewer = self.params, step_info["topics"], state.hidden
        rows = np.arange(len(topics))[:, None]
        interest, quality = viewer.interest[rows, topics], viewer.quality[rows, step_info["slate"]]
        weight = choice_weights(interest, p)
        total = weight.sum(1) + p.skip_weight
        price, rest = self._price(viewer)
        watched = np.minimum(viewer.budget, p.length)[:, None]
        left = viewer.budget[:, None] - minutes_spent(watched, quality, p)
        # Where the watched topic's interest may go, up or down, and what that does to V.
        size, chance = drift_size(interest, p), drift_up_chance(interest)
        up = np.clip(interest + size, -1.0, 1.0) - interest
        down = np.clip(interest - size, -1.0, 1.0) - interest
        move = chance * up + (1.0 - chance) * down
        flat, slope = self._weights[: p.topics], self._weights[p.topics + 1 : -1]
        later = rest[:, None] + move * flat[topics] + left * (price[:, None] + move * slope[topics])
        paid = self.reward_weights.get("watched", 0.0) * watched + self.reward_weights.get("clicks", 0.0)
        clicked = paid + self.discount * np.where(left > 0, later, 0.0)
        unspent = viewer.budget - p.skip_cost
        passed = self.discount * np.where(unspent > 0, rest + unspent * price, 0.0)
        return ((weight * clicked).sum(1) + p.skip_weight * passed) / total - self.value(state)

    def _price(self, viewer: Viewer) -> tuple[Array, Array]:
        """Return (n,) the value of a minute of budget, and of no minute."""
        topics = self.params.topics
        flat, slope = self._weights[: topics + 1], self._weights[topics + 1 :]
        return viewer.interest @ slope[:-1] + slope[-1], viewer.interest @ flat[:-1] + flat[-1]


def _features(state: Any) -> Array:
    viewer: Viewer = state.hidden
    known = np.concatenate([viewer.interest, np.ones_like(viewer.budget)[:, None]], axis=1)
    return np.concatenate([known, viewer.budget[:, None] * known], axis=1)
