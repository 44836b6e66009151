"""Best known viewing policies: a price of the budget, and tiny twins solved exactly."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.evolution.baselines import BudgetPrice
from sb3_ecom.envs.recommendation.evolution.dynamics import (
    choice_weights,
    drift_size,
    drift_up_chance,
    minutes_spent,
)
from sb3_ecom.envs.recommendation.evolution.env import EvolutionTask
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams

Interest = tuple[float, ...]

_EPISODES = 1024
_DIGITS = 6  # states of the twin are told apart to so many decimals


def clairvoyant_lambda(loop: StepLoop) -> Policy:
    """Price the budget, knowing interests and the quality of every candidate."""
    task: Any = loop.task
    price, rows = BudgetPrice(task), np.arange(loop.num_envs)[:, None]

    def choose(observation: Array) -> Array:
        viewer = loop.state.hidden
        weights = choice_weights(viewer.interest[rows, viewer.topic], task.params)
        return price.best(weights, viewer.quality)

    return choose


def oracle(task: EvolutionTask) -> Oracle:
    """Return the clairvoyant price-setter's return, simulated.

    Raises:
        ValueError: if the reward pays anything but minutes watched.
    """
    only_weight(task, "watched")
    information = "the viewer's interests and the quality of every candidate; not the noise"
    return simulate_oracle(task, clairvoyant_lambda, "best-known", information, _EPISODES)


class TinyTwin:
    """A twin small enough for exact dynamic programming: few topics, a short horizon, no noise of quality.

    The state is (pages left, interests, budget); interests start at given values and every click moves one
    of them to one of two values, so the reachable states are few. Documents come uniformly, as in the task.

    Raises:
        ValueError: if `quality_sd` is not 0.
    """

    def __init__(self, params: EvolutionParams, interest: tuple[float, ...]) -> None:
        if params.quality_sd != 0:
            raise ValueError(f"quality_sd must be 0 for the exact twin, got {params.quality_sd}")
        self.params, self.start = params, tuple(interest)
        self._quality = params.topic_quality.tolist()
        self._documents = list(product(range(params.topics), repeat=params.candidates))
        self._slates = list(combinations(range(params.candidates), params.slate_size))
        self.value = lru_cache(maxsize=None)(self._value)
        self._clicked = lru_cache(maxsize=None)(self._after_click)

    def optimum(self) -> float:
        """Return the expected minutes watched by the best policy from the start."""
        return self.value(self.params.horizon, self.start, self.params.budget)

    def best(self, left: int, interest: Interest, budget: float, topics: tuple[int, ...]) -> tuple[int, ...]:
        """Return the best slate (places) for the documents at hand, `left` pages before the end."""
        return max(self._slates, key=lambda slate: self._page_value(left, interest, budget, topics, slate))

    def _value(self, left: int, interest: Interest, budget: float) -> float:
        if budget <= 0 or left == 0:
            return 0.0
        best = (
            max(self._page_value(left, interest, budget, topics, slate) for slate in self._slates)
            for topics in self._documents
        )
        return sum(best) / len(self._documents)

    def _page_value(
        self, left: int, interest: Interest, budget: float, topics: tuple[int, ...], slate: tuple[int, ...]
    ) -> float:
        p = self.params
        shown = [topics[place] for place in slate]
        weights = [choice_weights(interest[topic], p) for topic in shown]
        value = p.skip_weight * self.value(left - 1, interest, round(budget - p.skip_cost, _DIGITS))
        for topic, weight in zip(shown, weights, strict=True):
            value += weight * self._clicked(left, interest, budget, topic)
        return float(value / (sum(weights) + p.skip_weight))

    def _after_click(self, left: int, interest: Interest, budget: float, topic: int) -> float:
        p, current = self.params, interest[topic]
        watched = min(budget, p.length)
        rest = round(budget - minutes_spent(watched, self._quality[topic], p), _DIGITS)
        move = drift_size(current, p)
        up = drift_up_chance(current)
        later = 0.0
        for sign, chance in ((1.0, up), (-1.0, 1 - up)):
            moved = round(min(max(current + sign * move, -1.0), 1.0), _DIGITS)
            later += chance * self.value(left - 1, (*interest[:topic], moved, *interest[topic + 1 :]), rest)
        return watched + later
