"""Thompson sampling of a visitor's taste, spread over topics; a rule that a learner can shift."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.boredom.baselines import ObservedPages, as_action, count_boredom, unscale
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask


class RotationSettings(NamedTuple):
    """Settings of a page's scores and their spread; the defaults are the best of a random search.

    Found by 90 trials on 160 visitors of seed 7 (`python -m sb3_ecom evaluate` meets others).
    """

    spread: Array = 0.08  # of the draw, in posterior standard deviations of a click
    discount: Array = 0.33  # of the score for each better item of the same topic
    crowd: Array = 0.49  # places that a recent click on the topic uses up
    share: Array = 0.65  # of the score that closeness to the clicks has, when there are many
    steep: Array = 48.0  # of that score in the cosine
    offset: Array = 0.6  # cosine at which it is one half


_FEW = 2.5  # clicks at which closeness to them has half its share
_TUNED = RotationSettings()


class ThompsonRotation:
    """Bayesian linear regression of clicks on item vectors per visitor, sampled, spread over topics.

    Clicks are no linear function of an item: they start at some closeness to the taste. So items close to
    the mean of what was clicked score too, the more the more clicks there are. Pages seen in boredom teach
    nothing and are left out: the counts in the observation tell when it starts.

    A learner may shift it by the logarithms of its `RotationSettings`. Its features are the regression's
    coefficients and their standard deviations, the mean direction of the clicks, how many there are, and the
    boredom left.

    Args:
        task: whose pages are filled.
        settings: see `RotationSettings`.
        seed: of the draws, >= 0.

    Source: Agrawal and Goyal 2013 (arXiv:1209.3352).
    """

    num_offsets = len(RotationSettings._fields)

    def __init__(self, task: BoredomTask, settings: RotationSettings = _TUNED, seed: int = 0) -> None:
        self._task, self._tuned = task, np.array(settings)
        self._generator = np.random.default_rng(seed)
        self._precision: Any = None
        self.num_features = 3 * task.params.topics + 2

    def __call__(self, observation: Array) -> Array:
        """Learn from the last page and choose."""
        self.features(observation)
        return self.act(np.zeros((len(observation), self.num_offsets)))

    def features(self, observation: Array) -> Array:
        """Learn from the last page; return (n, 3 T + 2) float32: what the class says."""
        p = self._task.params
        seen = unscale(self._task, observation)
        n = len(observation)
        fresh = seen.valid.sum(1) == 1  # only the random page lies behind
        if self._precision is None or len(self._precision) != n:
            fresh = np.ones(n, dtype=bool)
            self._precision = np.zeros((n, p.topics, p.topics))
            self._moment = np.zeros((n, p.topics))
            self._clicks = np.zeros((n, p.topics + 1))
            self._bored = np.zeros(n)
        self._precision[fresh], self._moment[fresh], self._bored[fresh] = np.eye(p.topics), 0.0, 0.0
        self._clicks[fresh] = 0.0
        self._learn(seen)
        self._covariance = np.linalg.inv(self._precision)
        self._mean = np.einsum("ntu,nu->nt", self._covariance, self._moment)
        self._recent = seen.recent
        sd = np.sqrt(np.einsum("ntt->nt", self._covariance))
        total = self._clicks[:, :-1]
        self._liked = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
        self._trust = self._clicks[:, -1:] / (self._clicks[:, -1:] + _FEW)
        parts = [self._mean, sd, self._liked, self._trust, self._bored[:, None] / p.window]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def act(self, shift: Array) -> Array:
        """Return the pages of the state thought of last; `shift` is (n, 6), of the settings' logarithms."""
        task, tables = self._task, self._task.tables
        settings = RotationSettings(*(self._tuned * np.exp(shift)).T[:, :, None])
        draw = self._generator.standard_normal(self._mean.shape)
        wander = np.einsum("ntu,nu->nt", np.linalg.cholesky(self._covariance), draw)
        share = np.minimum(settings.share, 1.0) * self._trust
        near = 1.0 / (1.0 + np.exp(-settings.steep * (self._liked @ tables.public.items.T - settings.offset)))
        scores = (1 - share) * (
            (self._mean + settings.spread * wander) @ tables.public.items.T
        ) + share * near
        page = diversified_page(
            task.tables.public.lists,
            scores,
            settings.discount[:, 0],
            settings.crowd * self._recent,
            task.params.slate_size,
        )
        return as_action(task, page)

    def _learn(self, seen: ObservedPages) -> None:
        p = self._task.params
        awake = self._bored <= 0
        clicks, shown = seen.clicks[:, -1], float(p.slate_size)
        liked = seen.clicked[:, -1]
        missed = shown - clicks
        passed = (shown * seen.shown[:, -1] - clicks[:, None] * liked) / np.maximum(missed, 1)[:, None]
        for weight, vector, target in ((clicks, liked, 1.0), (missed, passed, 0.0)):
            amount = np.where(awake, weight, 0.0)
            self._precision += amount[:, None, None] * vector[:, :, None] * vector[:, None, :]
            self._moment += (amount * target)[:, None] * vector
        self._clicks += np.concatenate([clicks[:, None] * liked, clicks[:, None]], axis=1)
        self._bored = count_boredom(self._bored, seen.recent, p)


def thompson_rotation(task: BoredomTask, **settings: float) -> ThompsonRotation:
    """Sample a taste and spread the page over topics; `settings` are those of `RotationSettings`."""
    return ThompsonRotation(task, _TUNED._replace(**settings))
