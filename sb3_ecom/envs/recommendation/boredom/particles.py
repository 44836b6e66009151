"""Infer a visitor's taste from single clicks with a particle filter, and rotate."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.envs.recommendation.boredom.baselines import ObservedPages, as_action, count_boredom, unscale
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page
from sb3_ecom.envs.recommendation.boredom.dynamics import follow_clicks, relevance
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask

DISCOUNT = 0.35  # of the chance of a click for each better item of the same topic; best of .05 .. .35
CROWD = 0.5  # places that a recent click on the topic uses up
_PARTICLES = 1000
_HEARD = 12  # particles drawn to score a page: expected clicks, and doubt that explores
_JITTER = 0.1  # sd of the logarithm of a resampled taste's topics
_RENEWED = 0.1  # of the particles: where fewer count, they are drawn anew
_SURE = 0.01  # no click is held for surer than this or surer than its opposite: tastes are few
_BANK = 20_000  # tastes of the prior


class ParticleRotation:
    """Bayes' rule for the taste, with the click model known; a page as the clairvoyant rotation's.

    Tastes are drawn as visitors' are, weighed by the clicks of every page that was not seen in boredom (the
    counts in the observation tell when that starts), moved as clicks move tastes, and drawn anew with some
    jitter where few are left that count. Which items of the page were clicked follows from their mean.

    Args:
        task: whose pages are filled; at most 12 slots, whose clicks are told apart by trying all sets.
        particles: per visitor.
        seed: of the draws, >= 0.
        discount: of the chance of a click for each better item of the same topic.
        crowd: places that a recent click on the topic uses up.

    Raises:
        ValueError: if pages have more than 12 slots.

    Source: N. Gordon, D. Salmond, A. Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state
        estimation", IEE Proceedings F 140 (1993).
    """

    def __init__(
        self,
        task: BoredomTask,
        particles: int = _PARTICLES,
        seed: int = 0,
        discount: float = DISCOUNT,
        crowd: float = CROWD,
    ) -> None:
        p = task.params
        if p.slate_size > 12:
            raise ValueError(f"slate_size must be <= 12 to tell clicks apart, got {p.slate_size}")
        self._discount, self._crowd = discount, crowd
        self._task, self._size, self._generator = task, particles, np.random.default_rng(seed)
        source = NumpyBackend(np.random.default_rng(seed + 1))
        self._bank = task.initial_state(task.draw_reset(source, _BANK)).hidden.taste.astype(np.float32)
        sets = np.arange(2**p.slate_size)[:, None] >> np.arange(p.slate_size)
        self._sets = (sets & 1).astype(np.float64)  # every set of clicked slots
        self._pairs = (self._sets[:, :, None] * self._sets[:, None]).reshape(len(sets), -1)
        self._page: Any = None

    def __call__(self, observation: Array) -> Array:
        """Learn from the last page and choose."""
        n, p, seen = len(observation), self._task.params, unscale(self._task, observation)
        fresh = seen.valid.sum(1) == 1  # only the random page lies behind, and nobody knows what stood on it
        if self._page is None or len(self._page) != n:
            fresh = np.ones(n, dtype=bool)
            self._tastes = np.zeros((n, self._size, p.topics), dtype=np.float32)
            self._log = np.zeros((n, self._size), dtype=np.float32)
            self._bored = np.zeros(n)
        self._weigh(np.flatnonzero(~fresh), seen)
        drawn = self._generator.integers(_BANK, size=(int(fresh.sum()), self._size))
        self._tastes[fresh], self._log[fresh], self._bored[fresh] = self._bank[drawn], 0.0, 0.0
        self._bored = count_boredom(self._bored, seen.recent, p)
        self._page = self._choose(seen.recent)
        return as_action(self._task, self._page)

    def _choose(self, recent: Array) -> Array:
        tables, p = self._task.tables, self._task.params
        drawn = self._draw(_shares(self._log), _HEARD)
        cosine = np.take_along_axis(self._tastes, drawn[..., None], axis=1) @ tables.public.items.T
        scores = relevance(cosine, p).mean(axis=1) + 1e-3 * cosine.mean(axis=1)
        marks = np.full(len(recent), self._discount, dtype=np.float32)
        return diversified_page(
            self._task.tables.public.lists, scores, marks, self._crowd * recent, p.slate_size
        )

    def _weigh(self, rows: Array, seen: ObservedPages) -> None:
        """Bayes' rule and the move of the taste for the visitors `rows`, who saw `self._page`."""
        if not rows.size:
            return
        p, tables = self._task.params, self._task.tables
        vectors = tables.public.items[self._page[rows]]
        total = seen.clicks[rows, -1]
        clicked = self._clicked(vectors, total, seen.clicked[rows, -1])
        tastes = self._tastes[rows]
        chance = relevance(tastes @ vectors.transpose(0, 2, 1), p) * tables.hidden.propensity
        chance = np.clip(chance, _SURE, 1 - _SURE)
        hit = np.log(np.where(clicked[:, None] > 0, chance, 1 - chance)).sum(axis=2)
        self._log[rows] += np.where(self._bored[rows, None] > 0, 0.0, hit)
        shape = tastes.shape
        pull = np.repeat(seen.clicked[rows, -1], self._size, axis=0)
        moved = follow_clicks(np, tastes.reshape(-1, p.topics), pull, np.repeat(total, self._size), p)
        self._tastes[rows] = moved.reshape(shape)
        weight = _shares(self._log[rows])
        few = 1.0 / (weight**2).sum(axis=1) < _RENEWED * self._size
        if few.any():
            drawn = self._draw(weight[few], self._size)
            again = np.take_along_axis(self._tastes[rows[few]], drawn[..., None], axis=1)
            again = again * np.exp(_JITTER * self._generator.standard_normal(again.shape, dtype=np.float32))
            self._tastes[rows[few]] = again / np.linalg.norm(again, axis=2, keepdims=True)
            self._log[rows[few]] = 0.0

    def _clicked(self, vectors: Array, total: Array, mean: Array) -> Array:
        """Return (n, K) 0 or 1: the set of items whose sum and number fit what was observed."""
        # The number is one more part of every vector. |sum - seen|^2 of all sets at once, by its products.
        known = np.concatenate([vectors, np.ones_like(vectors[..., :1])], axis=2).astype(np.float64)
        seen = np.concatenate([total[:, None] * mean, total[:, None]], axis=1)
        gram = known @ known.transpose(0, 2, 1)
        cross = (known @ seen[:, :, None])[..., 0]
        apart = gram.reshape(len(gram), -1) @ self._pairs.T - 2 * cross @ self._sets.T
        return self._sets[apart.argmin(axis=1)]

    def _draw(self, weight: Array, size: int) -> Array:
        """Return (n, size) particles by systematic resampling."""
        rows = np.arange(len(weight))[:, None]
        places = (np.arange(size) + self._generator.random((len(weight), 1))) / size
        edges = np.cumsum(weight, axis=1, dtype=np.float64) + rows
        found = np.searchsorted(edges.ravel(), (places + rows).ravel()).reshape(places.shape)
        return np.clip(found - rows * weight.shape[1], 0, weight.shape[1] - 1)


def _shares(log: Array) -> Array:
    """Return (n, M) weights that sum to 1."""
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def particle_rotation(
    task: BoredomTask, discount: float = DISCOUNT, crowd: float = CROWD
) -> ParticleRotation:
    """Infer the taste by a particle filter and spread the page over topics."""
    return ParticleRotation(task, discount=discount, crowd=crowd)
