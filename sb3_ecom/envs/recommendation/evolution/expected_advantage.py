"""What a page is worth before chance decides what is watched and where the interest moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.evolution.dynamics import State
from sb3_ecom.envs.recommendation.evolution.worth import fit_worth

_SESSIONS = 2048  # simulated, of some hundred pages each


class ExpectedAdvantage:
    """Expected advantage of pages: minutes watched plus discounted worth of going on, less the worth now.

    The worth V of a viewer is linear in his interests, times the budget that he has left: a price of a
    minute. It is fitted to sessions in which the best topics are shown, whoever is watching, and need not be
    right: summed over a session, the gains are in expectation the policy's return less V of its start. What
    a good document gives back shows at once, not when the budget runs out 60 pages later.

    Args:
        task: an `EvolutionTask`, on NumPy.
        discount: of the learner, in [0, 1].

    Source: S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002
        (lemma 6.1); see `sb3.learned_gain`.
    """

    def __init__(self, task: Any, discount: float) -> None:
        self.params, self.discount = task.params, discount
        self._reward: Mapping[str, float] = task.reward_weights
        loop, quality = StepLoop(task, _SESSIONS), task.params.topic_quality

        def best_topics(_: Array) -> Array:
            return np.argsort(-quality[loop.state.topic], axis=1)[:, : task.params.slate_size]

        self._weights = fit_worth(loop, best_topics, _describe, discount)

    def snapshot(self, state: State) -> State:
        """Return what `__call__` must know of the state before the step."""
        return state

    def value(self, state: State) -> Array:
        """Return (n,) what viewers are still worth."""
        price, worth = self._price(state)
        return np.where(state.budget > 0, worth + state.budget * price, 0.0)

    def __call__(self, state: State, step_info: Mapping[str, Array]) -> Array:
        """Return the (n,) float32 expected gain of ``step_info["slate"]``, shown to `state`."""
        p, topics = self.params, step_info["topics"]
        rows = np.arange(len(topics))[:, None]
        interest, quality = state.interest[rows, topics], state.quality[rows, step_info["slate"]]
        weight = interest + p.choice_shift
        total = weight.sum(1) + p.skip_weight
        price, worth = self._price(state)
        watched = np.minimum(state.budget, p.length)[:, None]
        left = state.budget[:, None] - watched * (1.0 - p.refund * quality)
        # Where the clicked topic's interest may go, up or down, and what that does to V.
        size = p.drift * (1.0 - np.abs(interest)) * (1.0 - interest)
        up = np.clip(interest + size, -1.0, 1.0) - interest
        down = np.clip(interest - size, -1.0, 1.0) - interest
        move = (interest + 1.0) / 2.0 * up + (1.0 - interest) / 2.0 * down
        flat, slope = self._weights[: p.topics], self._weights[p.topics + 1 : -1]
        later = worth[:, None] + move * flat[topics] + left * (price[:, None] + move * slope[topics])
        reward = self._reward.get("watched", 0.0) * watched + self._reward.get("clicks", 0.0)
        clicked = reward + self.discount * np.where(left > 0, later, 0.0)
        rest = state.budget - p.skip_cost
        passed = self.discount * np.where(rest > 0, worth + rest * price, 0.0)
        gain = ((weight * clicked).sum(1) + p.skip_weight * passed) / total - self.value(state)
        return np.asarray(gain, dtype=np.float32)

    def _price(self, state: State) -> tuple[Array, Array]:
        """Return (n,) the worth of a minute of budget, and of no minute."""
        topics = self.params.topics
        flat, slope = self._weights[: topics + 1], self._weights[topics + 1 :]
        return state.interest @ slope[:-1] + slope[-1], state.interest @ flat[:-1] + flat[-1]


def _describe(state: Any) -> Array:
    one = np.ones_like(state.budget)[:, None]
    known = np.concatenate([state.interest, one], axis=1)
    return np.concatenate([known, state.budget[:, None] * known], axis=1)
