"""Recommend from views: counts, Bayesian averages, and a particle filter that knows the model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.organic_browsing.dynamics import click_rates, view_logits
from sb3_ecom.envs.recommendation.organic_browsing.env import OrganicBrowsingTask
from sb3_ecom.envs.recommendation.organic_browsing.params import click_rate
from sb3_ecom.envs.recommendation.organic_browsing.tracker import CLOCK, FACTS

_PARTICLES = 100
_VISITORS = 4000  # simulated, to learn what is popular


class Events(NamedTuple):
    """An observation in parts."""

    asked: Array  # (n,) bool
    product: Array  # (n, T) int, -1 where there was no event
    clicked: Array  # (n, T) bool
    age: Array  # (n, T) events that passed since


def read(task: OrganicBrowsingTask, observation: Array) -> Events:
    """Undo the scaling of `OrganicBrowsingTracker.observe`."""
    context, history = task.layout.split(observation)
    product = (history[..., FACTS:] @ task.tables.public.code.T).argmax(-1)
    return Events(
        context[:, 0] > 0.5,
        np.where(history[..., 0] > 0.5, product, -1),
        history[..., 1] > 0.5,
        np.rint(CLOCK * (context[:, 2:] - history[..., 2])) - 1,
    )


def popular_rates(task: OrganicBrowsingTask) -> Array:
    """Return (P,) mean click rates over new visitors, as a log of random recommendations would tell."""
    taste = task.params.taste_sd * np.random.default_rng(0).normal(size=(_VISITORS, task.params.factors))
    return click_rates(taste, task.tables.hidden).mean(axis=0)


def popularity(task: OrganicBrowsingTask) -> Policy:
    """Recommend the product that most visitors click."""
    best = int(popular_rates(task).argmax())
    return lambda observation: np.full(len(observation), best)


def last_view(task: OrganicBrowsingTask) -> Policy:
    """Recommend what was viewed last: no memory beyond one event."""
    first = int(popular_rates(task).argmax())

    def choose(observation: Array) -> Array:
        product = read(task, observation).product[:, -1]
        return np.where(product < 0, first, product)

    return choose


def most_viewed(task: OrganicBrowsingTask) -> Policy:
    """Recommend the product viewed most among the remembered events, popular ones first where views tie."""
    rates = popular_rates(task)

    def choose(observation: Array) -> Array:
        seen, n = read(task, observation), len(observation)
        counts = np.zeros((n, task.params.products + 1))
        np.add.at(counts, (np.arange(n)[:, None], seen.product), 1.0)  # -1 falls on the spare column
        return (counts[:, :-1] + rates).argmax(1)

    return choose


class ParticleFilter:
    """Track each visitor's taste with weighted particles and recommend the highest expected click rate.

    It knows the model, sees observations only, and takes in every view and click (views carry nearly all the
    information; recommendations without a click are ignored as they tell almost nothing). Source: Gordon,
    Salmond and Smith 1993, the bootstrap filter, resampled when the effective size halves.
    """

    def __init__(self, task: OrganicBrowsingTask, particles: int = _PARTICLES, seed: int = 0) -> None:
        self._task, self._count = task, particles
        self._generator = np.random.default_rng(seed)
        self._taste: Any = None

    def __call__(self, observation: Array) -> Array:
        """Take in the newest event and choose."""
        seen = read(self._task, observation)
        n = len(observation)
        if self._taste is None or len(self._taste) != n:
            shape = (n, self._count)
            self._taste = np.zeros((*shape, self._task.params.factors), dtype=np.float32)
            self._weight = np.full(shape, 1.0 / self._count)
            self._best = np.zeros(n, dtype=np.int64)
            self._restart(np.arange(n))
        self._restart(np.flatnonzero((seen.product >= 0).sum(1) == 0))
        new = np.flatnonzero((seen.product[:, -1] >= 0) & (seen.age[:, -1] == 0))
        if new.size:
            self._take_in(new, seen.product[new, -1], seen.clicked[new, -1])
            self._best[new] = self._rates(new).argmax(1)
        return self._best * 1

    def _restart(self, rows: Array) -> None:
        if rows.size:
            shape = (rows.size, self._count, self._task.params.factors)
            self._taste[rows] = self._task.params.taste_sd * self._generator.standard_normal(
                shape, np.float32
            )
            self._weight[rows] = 1.0 / self._count
            self._best[rows] = self._rates(rows[:1]).argmax()

    def _rates(self, rows: Array) -> Array:
        """Return (k, P) expected click rates."""
        rates = click_rates(self._taste[rows], self._task.tables.hidden)
        return (rates * self._weight[rows][..., None]).sum(1)

    def _take_in(self, rows: Array, product: Array, clicked: Array) -> None:
        tables, params = self._task.tables.hidden, self._task.params
        taste = self._taste[rows]
        logits = view_logits(taste, tables)
        logits -= logits.max(-1, keepdims=True)
        index = product[:, None, None]
        viewed = np.take_along_axis(logits, index, -1)[..., 0] - np.log(np.exp(logits).sum(-1))
        answer = (taste * tables.answer[product][:, None, :]).sum(-1) + tables.answer_popularity[product][
            :, None
        ]
        weight = self._weight[rows] * np.where(clicked[:, None], click_rate(answer), np.exp(viewed))
        weight /= weight.sum(1, keepdims=True)
        poor = 1.0 / (weight**2).sum(1) < self._count / 2
        for row in np.flatnonzero(poor):
            chosen = np.searchsorted(
                weight[row].cumsum(), (np.arange(self._count) + self._generator.random()) / self._count
            )
            taste[row] = taste[row, np.minimum(chosen, self._count - 1)]
            weight[row] = 1.0 / self._count
        # The taste wanders before the next view.
        taste += params.wander_sd * self._generator.standard_normal(taste.shape, np.float32)
        self._taste[rows], self._weight[rows] = taste, weight


def particle_filter(task: OrganicBrowsingTask) -> Policy:
    """Return a filter that starts from the population's taste."""
    return ParticleFilter(task)
