"""Contextual bandits for pages of K items, learning online for all visitors of all copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.context.env import ContextTask

_PRIOR = 200.0  # impressions that the mean click rate is worth, for a new item


def best_page(scores: Array, size: int) -> Array:
    """Return (n, K) items of the highest (n, N) scores, best first."""
    part = np.argpartition(-scores, size - 1, axis=1)[:, :size]
    order = np.argsort(-np.take_along_axis(scores, part, 1), axis=1, kind="stable")
    return np.take_along_axis(part, order, 1)


class _Learner:
    """Remembers its last page and learns from the clicks that the next observation shows."""

    def __init__(self, task: ContextTask) -> None:
        self.task = task
        self._slate: Any = None
        self._context: Any = None

    def features(self, observation: Array) -> Array:
        return observation[:, : self.task.layout.context].astype(np.float64)

    def __call__(self, observation: Array) -> Array:
        context, history = self.features(observation), self.task.layout.split(observation)[1][:, 0]
        if self._slate is not None and len(self._slate) == len(observation):
            rows = np.flatnonzero(history[:, 0] > 0.5)  # not where a new day began: its end was not seen
            self.learn(self._context[rows], self._slate[rows], history[rows, 1:])
        self._slate = best_page(self.score(context), self.task.params.slate_size)
        self._context = context
        return self._slate * 1

    def learn(self, context: Array, slate: Array, clicks: Array) -> None:
        raise NotImplementedError

    def score(self, context: Array) -> Array:
        raise NotImplementedError


class _Popularity(_Learner):
    """Show the items of the best record, whoever is looking, and now and then others."""

    def __init__(self, task: ContextTask, epsilon: float = 0.1) -> None:
        super().__init__(task)
        self._epsilon, self._generator = epsilon, np.random.default_rng(0)
        self._clicks, self._shown = np.zeros(task.params.items), np.zeros(task.params.items)

    def learn(self, context: Array, slate: Array, clicks: Array) -> None:
        """Count."""
        np.add.at(self._clicks, slate.ravel(), clicks.ravel())
        np.add.at(self._shown, slate.ravel(), 1.0)

    def score(self, context: Array) -> Array:
        """Return the records, or random numbers where the page explores."""
        rate = (self._clicks + 0.01 * _PRIOR) / (self._shown + _PRIOR)
        n, size = len(context), rate.size
        explores = self._generator.random((n, 1)) < self._epsilon
        return np.where(explores, self._generator.random((n, size)), rate)


class LinUCB(_Learner):
    """One ridge regression of clicks on the context per item, plus a bonus for doubt, or a draw.

    Source: Li et al. 2010 (arXiv:1003.0146), algorithm 1; with ``sampled=True`` Agrawal and Goyal 2013
    (arXiv:1209.3352).
    """

    def __init__(self, task: ContextTask, doubt: float, sampled: bool = False, ridge: float = 20.0) -> None:
        super().__init__(task)
        n, d = task.params.items, task.layout.context
        self._doubt, self._sampled, self._generator = doubt, sampled, np.random.default_rng(0)
        self._gram, self._moment = np.tile(ridge * np.eye(d), (n, 1, 1)), np.zeros((n, d))

    def learn(self, context: Array, slate: Array, clicks: Array) -> None:
        """Add the page to the regressions of its items."""
        for item in np.unique(slate):
            rows, slots = np.nonzero(slate == item)
            x = context[rows]
            self._gram[item] += x.T @ x
            self._moment[item] += clicks[rows, slots] @ x

    def score(self, context: Array) -> Array:
        """Return estimates plus doubt."""
        inverse = np.linalg.inv(self._gram)
        weight = np.einsum("nij,nj->ni", inverse, self._moment)
        if self._sampled:
            root = np.linalg.cholesky(inverse)
            draw = self._generator.standard_normal(weight.shape)
            return context @ (weight + self._doubt * np.einsum("nij,nj->ni", root, draw)).T
        spread = np.einsum("ci,nij,cj->cn", context, inverse, context, optimize=True)
        return context @ weight.T + self._doubt * np.sqrt(spread)


def popularity(task: ContextTask, epsilon: float = 0.1) -> Policy:
    """Show what sold best so far, one page in ten at random."""
    return _Popularity(task, epsilon)


def linucb(task: ContextTask, doubt: float = 0.05, ridge: float = 20.0) -> Policy:
    """Regress on the context, with a bonus for doubt."""
    return LinUCB(task, doubt=doubt, ridge=ridge)


def thompson(task: ContextTask, doubt: float = 0.05, ridge: float = 20.0) -> Policy:
    """Regress on the context, with weights drawn from their posterior."""
    return LinUCB(task, doubt=doubt, sampled=True, ridge=ridge)
