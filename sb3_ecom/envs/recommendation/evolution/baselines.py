"""Policies on observations: interests, topics, and the quality seen in earlier documents."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.evolution.dynamics import choice_weights, minutes_spent
from sb3_ecom.envs.recommendation.evolution.env import EvolutionTask
from sb3_ecom.envs.recommendation.evolution.tracker import FACTS

_LAMBDA = 1.5  # price of a minute of budget, in minutes watched; returns are flat for 1.2 .. 1.8


class _ObservedPage:
    """Reads observations of one task."""

    def __init__(self, task: EvolutionTask) -> None:
        if task.interests != "observed":
            raise ValueError("this policy reads interests: make the task with interests='observed'")
        self.params, self._layout = task.params, task.layout

    def interest(self, observation: Array) -> Array:
        """Return (n, T) interests."""
        return observation[:, : self.params.topics]

    def topics(self, observation: Array) -> Array:
        """Return (n, m) topics of the candidates."""
        p = self.params
        block = observation[:, p.topics : p.topics * (p.candidates + 1)]
        return block.reshape(-1, p.candidates, p.topics).argmax(-1)

    def last_page(self, observation: Array) -> Array:
        """Return (n, F) the newest row of the history."""
        return self._layout.split(observation)[1][:, -1]

    def weights(self, observation: Array) -> Array:
        """Return (n, m) choice weights of the candidates."""
        interest, topics = self.interest(observation), self.topics(observation)
        return choice_weights(np.take_along_axis(interest, topics, axis=1), self.params)


def _top_slate(scores: Array, size: int) -> Array:
    """Return (n, K) places of the highest scores, best first."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :size]


def myopic(task: EvolutionTask) -> Policy:
    """Show the K documents likeliest to be watched now."""
    seen = _ObservedPage(task)
    return lambda observation: _top_slate(seen.weights(observation), task.params.slate_size)


def highest_quality(task: EvolutionTask) -> Policy:
    """Show the K documents of the best topics, whoever is watching; the topics' means are known."""
    seen, quality = _ObservedPage(task), task.params.topic_quality
    return lambda observation: _top_slate(quality[seen.topics(observation)], task.params.slate_size)


class BudgetPrice:
    """The slate of highest expected minutes watched less the price of the budget that they take.

    For a price lam of a minute of budget it maximises, over all slates,
    [sum_i v_i (r - lam c_i) - lam 0.5 v_0] / (v_0 + sum_i v_i), with choice weights v, length r and net cost
    c_i = r (1 - refund q_i). Source: Dinkelbach 1967, for the ratio of minutes watched to minutes spent.
    """

    def __init__(self, task: EvolutionTask, price: float = _LAMBDA) -> None:
        p = task.params
        self._params, self._price = p, price
        choices = combinations_with_replacement if task.repeats else combinations
        self.slates = np.array(list(choices(range(p.candidates), p.slate_size)))
        self._member = np.zeros((p.candidates, len(self.slates)))
        for slate, places in enumerate(self.slates):
            np.add.at(self._member[:, slate], places, 1.0)

    def best(self, weights: Array, quality: Array) -> Array:
        """Return (n, K) best slates for (n, m) weights and qualities."""
        p = self._params
        cost = minutes_spent(p.length, quality, p)
        value = (weights * (p.length - self._price * cost)) @ self._member
        value = value - self._price * p.skip_cost * p.skip_weight
        return self.slates[(value / (p.skip_weight + weights @ self._member)).argmax(1)]


def lambda_greedy(task: EvolutionTask, minute: float = _LAMBDA) -> Policy:
    """Price the budget, `minute` a minute; a document's quality is taken to be its topic's known mean."""
    seen, price, quality = _ObservedPage(task), BudgetPrice(task, minute), task.params.topic_quality
    return lambda observation: price.best(seen.weights(observation), quality[seen.topics(observation)])


class _LearnedQuality:
    """Price the budget with qualities learnt from what was watched, by all viewers together.

    A topic that was seldom watched is given the benefit of the doubt: its mean plus `optimism` / sqrt(count).
    """

    def __init__(self, task: EvolutionTask, optimism: float = 1.0) -> None:
        self._seen, self._price = _ObservedPage(task), BudgetPrice(task)
        self._optimism = optimism
        self._total = np.zeros(task.params.topics)
        self._count = np.zeros(task.params.topics)

    def __call__(self, observation: Array) -> Array:
        """Learn from the last pages and choose."""
        page = self._seen.last_page(observation)
        watched = page[page[:, 1] > 0.5]
        topic = watched[:, FACTS:].argmax(1)
        np.add.at(self._total, topic, watched[:, 3] * 3.0)
        np.add.at(self._count, topic, 1.0)
        doubt = self._optimism / np.sqrt(self._count + 1.0)
        quality = self._total / np.maximum(self._count, 1.0) + doubt
        return self._price.best(self._seen.weights(observation), quality[self._seen.topics(observation)])


def learned_quality(task: EvolutionTask, optimism: float = 1.0) -> Policy:
    """Return a price-setter that starts knowing no topic."""
    return _LearnedQuality(task, optimism)
