"""Explore and sell: the bandit policies of the textbooks, with and without the items' features."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.core.evaluate import random_policy
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.cold_start.env import ColdStartTask

_SEASONS = 512  # of a log of random impressions, from which the feature weights are learnt


class _ItemRecords(NamedTuple):
    """An observation in parts."""

    features: Array  # (n, N, F)
    shown: Array  # (n, N)
    clicks: Array  # (n, N)


def read(task: ColdStartTask, observation: Array) -> _ItemRecords:
    """Undo the scaling of `ColdStartTracker.observe`."""
    p = task.params
    context, _ = task.layout.split(observation)
    n, cut = len(context), 1 + p.items * p.features
    shown = np.rint(np.expm1(3.0 * context[:, cut : cut + p.items].astype(np.float64)))
    share = context[:, cut + p.items :].astype(np.float64)
    return _ItemRecords(
        context[:, 1:cut].reshape(n, p.items, p.features), shown, np.rint(share * (shown + 1))
    )


@lru_cache(maxsize=8)
def _logged_weights(
    items: int, features: int, base: float, feature_sd: float, own_sd: float, seed: int
) -> Floats:
    """Return (F + 1,) ridge weights of clicks on features, intercept last, from random impressions."""
    task = ColdStartTask(
        items=items,
        features=features,
        base=base,
        feature_sd=feature_sd,
        own_sd=own_sd,
        weight_seed=seed,
        horizon=60,
    )
    loop = StepLoop(task, _SEASONS)
    act, observation = random_policy(task, _SEASONS, 1), loop.reset(1)
    for _ in range(task.horizon - 1):
        observation = loop.step(act(observation)).observation
    seen = read(task, observation)
    x = np.concatenate([seen.features, np.ones((*seen.shown.shape, 1))], axis=2).reshape(-1, features + 1)
    weight, rate = seen.shown.ravel(), (seen.clicks / np.maximum(seen.shown, 1)).ravel()
    gram = (x * weight[:, None]).T @ x + np.eye(features + 1)
    return np.asarray(np.linalg.solve(gram, (x * weight[:, None]).T @ rate))


def _predicted_rates(task: ColdStartTask, features: Array) -> Array:
    """Return (n, N) click rates predicted from the features, learnt from logged seasons."""
    p = task.params
    weights = _logged_weights(p.items, p.features, p.base, p.feature_sd, p.own_sd, p.weight_seed)
    return np.clip(features @ weights[:-1] + weights[-1], 0.01, 0.99)


def features_only(task: ColdStartTask) -> Policy:
    """Show the item of the highest click rate predicted from features; its own clicks are ignored."""
    return lambda observation: _predicted_rates(task, read(task, observation).features).argmax(1)


def epsilon_greedy(task: ColdStartTask, epsilon: float = 0.1) -> Policy:
    """Show the item of the best record (one click in ten imagined for a start), and now and then any."""
    generator = np.random.default_rng(0)

    def choose(observation: Array) -> Array:
        seen = read(task, observation)
        best = ((seen.clicks + 1.0) / (seen.shown + 10.0)).argmax(1)
        explore = generator.random(len(best)) < epsilon
        return np.where(explore, generator.integers(task.params.items, size=len(best)), best)

    return choose


def ucb(task: ColdStartTask) -> Policy:
    """Show the item of the highest KL upper confidence bound (Garivier and Cappe 2011)."""

    def choose(observation: Array) -> Array:
        seen = read(task, observation)
        total = seen.shown.sum(1, keepdims=True)
        return _kl_bound(seen.clicks, seen.shown, np.log(np.maximum(total, 2.0))).argmax(1)

    return choose


def _kl_bound(clicks: Array, shown: Array, budget: Array) -> Array:
    """Return the largest q with shown x KL(mean, q) <= budget, by bisection (16 steps)."""
    mean = clicks / np.maximum(shown, 1)
    low, high = mean, np.ones_like(mean)
    for _ in range(16):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(mean > 0, mean * np.log(mean / middle), 0.0)
            loss = np.where(mean < 1, (1 - mean) * np.log((1 - mean) / np.maximum(1 - middle, 1e-12)), 0.0)
        fits = shown * (gain + loss) <= budget
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return np.where(shown == 0, 2.0, low)


def thompson(task: ColdStartTask, prior: float = 6.0) -> Policy:
    """Draw each item's rate from its Beta posterior; the prior is the average item's, from the log."""
    return _Beta(task, use_features=False, prior=prior)


class LinUcb:
    """Shrink an item's click rate towards the rate predicted from its features and add an uncertainty bonus.

    The hybrid of Li et al. 2010: a shared linear part and a part of the item's own. A learner may shift the
    logarithms of the prior's weight in impressions (offset 0) and of the bonus in standard deviations
    (offset 1). Features: mean rate, standard deviation and impressions / 100 of the item that it would show,
    and the same of the item with the best mean.
    """

    num_offsets, num_features = 2, 6
    PRIOR, BONUS = 6.0, 0.7

    def __init__(self, task: ColdStartTask, prior: float = PRIOR, bonus: float = BONUS) -> None:
        self._task, self._prior, self._bonus = task, prior, bonus

    def __call__(self, observation: Array) -> Array:
        """Choose."""
        self.features(observation)
        return self.act(np.zeros((len(observation), self.num_offsets)))

    def features(self, observation: Array) -> Array:
        """Take in (n, d) observations; return (n, 6) float32."""
        self._seen = read(self._task, observation)
        self._predicted = _predicted_rates(self._task, self._seen.features)
        mean, sd = self._estimate(np.zeros((len(observation), 1)))
        notes = []
        for index in (mean + self._bonus * sd, mean):
            item = index.argmax(1)[:, None]
            notes += [np.take_along_axis(part, item, 1) for part in (mean, sd, self._seen.shown / 100.0)]
        return np.concatenate(notes, axis=1).astype(np.float32)

    def act(self, shift: Array) -> Array:
        """Return the (n,) items of the state thought of last; `shift` is (n, 2)."""
        mean, sd = self._estimate(shift[:, :1])
        return (mean + self._bonus * np.exp(shift[:, 1:]) * sd).argmax(1)

    def _estimate(self, shift: Array) -> tuple[Array, Array]:
        prior, seen = self._prior * np.exp(shift), self._seen
        count = seen.shown + prior
        mean = (seen.clicks + prior * self._predicted) / count
        return mean, np.sqrt(mean * (1 - mean) / count)


def horizon_ucb(task: ColdStartTask, prior: float = 6.0, bonus: float = 0.7, fade: float = 0.5) -> Policy:
    """Add a bonus to each item's shrunken rate that fades as the season ends: `LinUcb` that minds the clock.

    What an impression teaches pays in the impressions that are left: the bonus is `bonus` standard deviations
    times their share of the season to the power `fade`. `prior` is what the features' prediction weighs, in
    impressions.
    """
    p = task.params

    def choose(observation: Array) -> Array:
        seen = read(task, observation)
        count = seen.shown + prior
        mean = (seen.clicks + prior * _predicted_rates(task, seen.features)) / count
        left = np.clip(1.0 - seen.shown.sum(1, keepdims=True) / p.horizon, 0.0, 1.0)
        return (mean + bonus * left**fade * np.sqrt(mean * (1 - mean) / count)).argmax(1)

    return choose


def thompson_features(task: ColdStartTask, prior: float = 6.0) -> Policy:
    """Draw each item's rate from a Beta posterior whose prior mean is predicted from its features."""
    return _Beta(task, use_features=True, prior=prior)


class _Beta:
    def __init__(self, task: ColdStartTask, use_features: bool, prior: float = 6.0) -> None:
        self._task, self._use, self._prior = task, use_features, prior
        self._generator = np.random.default_rng(0)

    def __call__(self, observation: Array) -> Array:
        seen = read(self._task, observation)
        rate = _predicted_rates(self._task, seen.features)
        if not self._use:
            rate = np.full_like(rate, rate.mean())
        wins = seen.clicks + self._prior * rate
        losses = seen.shown - seen.clicks + self._prior * (1 - rate)
        return self._generator.beta(wins, losses).argmax(1)
