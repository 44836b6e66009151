"""Textbook ad choosers, from observations and the known table of click rates by type."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats, Ints, tree_take
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.targeting.dynamics import click_rate
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.planning import fatigue_code, solve
from sb3_ecom.envs.advertising.targeting.tracker import CONTEXT


class Observed(NamedTuple):
    """An observation in natural units."""

    page: Ints  # (n,)
    impressions_left: Ints  # (n,)
    fatigue: Ints  # (n, K) on the coming page
    shown: Ints  # (n,) creative on the last page, K for none
    clicked: Floats  # (n,) on the last page
    fresh: NDArray[np.bool_]  # (n,) a visit begins


def unscale(task: TargetTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `TargetTracker.observe`."""
    context, history = task.layout.split(observation.astype(np.float64))
    params, last = task.params, history[:, -1]
    k = params.creatives
    fatigue = context[:, CONTEXT : CONTEXT + k] * (params.fatigue_levels - 1)
    none = last[:, 2:].sum(1) < 0.5
    return Observed(
        np.rint((1.0 - context[:, 0]) * params.pages).astype(np.int64),
        np.rint(context[:, 1] * max(params.budget, 1)).astype(np.int64),
        np.rint(fatigue).astype(np.int64),
        np.where(none, k, last[:, 2:].argmax(1)),
        last[:, 1],
        last[:, 0] < 0.5,
    )


def _target(task: Task) -> TargetTask:
    if not isinstance(task, TargetTask):
        raise ValueError(f"a policy of EcomAdsTarget needs its task, got {type(task).__name__}")
    return task


class Belief:
    """Chances of the visitor's type given clicks: exact Bayes, page by page."""

    def __init__(self, task: TargetTask) -> None:
        self._task, self.rates = task, task.params.click_rates()
        self.log_chance = np.zeros((0, task.params.types))
        self._before = np.zeros((0, task.params.creatives))

    def update(self, observed: Observed) -> Floats:
        """Take in the last page; return (n, types) chances."""
        n, params = observed.page.size, self._task.params
        if self.log_chance.shape[0] != n:
            self.log_chance, self._before = np.zeros((n, params.types)), np.zeros(observed.fatigue.shape)
        self.log_chance[observed.fresh] = 0.0
        rows = np.flatnonzero(~observed.fresh & (observed.shown < params.creatives))
        fatigue = self._before[rows, observed.shown[rows]]
        rate = click_rate(self.rates[:, observed.shown[rows]].T, fatigue[:, None], params)
        hit = observed.clicked[rows, None] > 0.5
        self.log_chance[rows] += np.where(hit, np.log(rate), np.log1p(-rate))
        self._before = observed.fatigue.astype(np.float64)
        chance = np.exp(self.log_chance - self.log_chance.max(1, keepdims=True))
        return np.asarray(chance / chance.sum(1, keepdims=True))


def capped_greedy(task: Task, cap: float = 0.0) -> Policy:
    """Show the creative likeliest to be clicked now, unless fatigue adds up to more than `cap`."""
    own = _target(task)
    belief, params = Belief(own), own.params

    def choose(observation: NDArray[np.float32]) -> Ints:
        observed = unscale(own, observation)
        rate = click_rate(belief.update(observed) @ belief.rates, observed.fatigue, params)
        show = (rate.max(1) > params.price) & (observed.fatigue.sum(1) <= cap)
        return np.asarray(np.where(show, rate.argmax(1), params.creatives))

    return choose


def popular(task: Task) -> Policy:
    """Plan for the average visitor: with fatigue and budget, without interests."""
    own = _target(task)
    plan = solve(own.params.click_rates().mean(0), own.params)

    def choose(observation: NDArray[np.float32]) -> Ints:
        return _follow(own, plan.action, unscale(own, observation))

    return choose


class _ThompsonSampling:
    """Draws a type from the belief for every page and follows the exact plan for it."""

    def __init__(self, task: TargetTask, seed: int = 0) -> None:
        self._task, self._belief = task, Belief(task)
        self._plans = [solve(rates, task.params).action for rates in self._belief.rates]
        self._generator = np.random.default_rng(seed)

    def __call__(self, observation: NDArray[np.float32]) -> Ints:
        """Choose."""
        observed = unscale(self._task, observation)
        chance = self._belief.update(observed)
        draw = self._generator.random((observed.page.size, 1))
        drawn = np.minimum((chance.cumsum(1) < draw).sum(1), chance.shape[1] - 1)
        choices = np.stack([_follow(self._task, plan, observed) for plan in self._plans], 1)
        return np.asarray(np.take_along_axis(choices, drawn[:, None], 1)[:, 0])


class _BelievedPlan:
    """Plans for the mean click rates of the believed types: one exact plan per rounded belief."""

    def __init__(self, task: TargetTask) -> None:
        self._task, self._belief = task, Belief(task)
        self._plans: dict[bytes, NDArray[np.int8]] = {}

    def __call__(self, observation: NDArray[np.float32]) -> Ints:
        """Choose."""
        observed = unscale(self._task, observation)
        chance = self._belief.update(observed)
        coarse = np.rint(chance * 3).astype(np.int8)
        keys, inverse = np.unique(coarse, axis=0, return_inverse=True)
        action = np.zeros(observed.page.size, dtype=np.int64)
        for number, key in enumerate(keys):
            rows = np.flatnonzero(inverse.ravel() == number)
            plan = self._plan(key)
            action[rows] = _follow(self._task, plan, tree_take(observed, rows))
        return action

    def _plan(self, key: NDArray[np.int8]) -> NDArray[np.int8]:
        if key.tobytes() not in self._plans:
            weight = key / key.sum() if key.sum() else np.full(key.size, 1 / key.size)
            self._plans[key.tobytes()] = solve(weight @ self._belief.rates, self._task.params).action
        return self._plans[key.tobytes()]


def _follow(task: TargetTask, plan: NDArray[np.int8], observed: Observed) -> Ints:
    code = fatigue_code(observed.fatigue, task.params.fatigue_levels)
    page = np.minimum(observed.page, task.params.pages - 1)
    return np.asarray(plan[page, observed.impressions_left, code], dtype=np.int64)


def thompson(task: Task) -> Policy:
    """Sample a type, plan for it."""
    return _ThompsonSampling(_target(task))


def believed_plan(task: Task) -> Policy:
    """Plan for the expected click rates."""
    return _BelievedPlan(_target(task))


def fatigue_index(
    task: Task, crowd: float = 0.0, doubt: float = 0.0, scarcity: float = 0.0, patience: float = 0.0
) -> Policy:
    """Show the creative of the highest index if that is above what an impression is worth later.

    Index: expected click rate now, plus `doubt` times its standard deviation over the believed types, minus
    the price. It must exceed `crowd` times all fatigue, `scarcity` times the share of pages that the
    impressions left can not fill, and `patience`, each in clicks.
    """
    own = _target(task)
    belief, params = Belief(own), own.params

    def choose(observation: NDArray[np.float32]) -> Ints:
        observed = unscale(own, observation)
        chance = belief.update(observed)
        mean = chance @ belief.rates
        spread = np.sqrt(np.maximum(chance @ belief.rates**2 - mean**2, 0.0))
        rate = click_rate(mean + doubt * spread, observed.fatigue, params)
        pages = np.maximum(params.pages - observed.page, 1)
        short = np.maximum(1.0 - observed.impressions_left / pages, 0.0)
        hurdle = params.price + crowd * observed.fatigue.sum(1) + scarcity * short + patience
        show = (rate.max(1) > hurdle) & (observed.impressions_left > 0)
        return np.asarray(np.where(show, rate.argmax(1), params.creatives))

    return choose
