"""LinUCB over the catalogue, learning online from what observations tell."""

from __future__ import annotations

from typing import cast

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.baselines import ObservedClicks
from sb3_ecom.envs.recommendation.session.env import CLICKS, SessionTask
from sb3_ecom.envs.recommendation.session.public_tables import affinity
from sb3_ecom.envs.recommendation.session.ranker import best_open


class LinUCB:
    """Ridge regression of a click on item features x context, plus an exploration bonus.

    One model is shared by all copies, as one shop serves all its visitors. Source: Li et al. 2010
    (arXiv:1003.0146), algorithm 1 with a shared parameter; a page counts for the clicked item and for the
    items above it (cascade), because observations do not say which lower ones were seen.
    """

    def __init__(self, task: SessionTask, exploration: float = 0.1) -> None:
        self._clicks = ObservedClicks(task)
        self._shop = task.tables.public
        self._size = task.params.slate_size
        self._exploration = exploration
        self._affinity = affinity(task.params.catalogue)
        parts = 5 + self._shop.category.shape[1]
        self._gram = np.eye(parts)
        self._moment = np.zeros(parts)
        self._shown: Array | None = None  # (n, K, parts) features of the last page
        self._slate: Array | None = None
        self._count: Array | None = None
        self._fresh: Array | None = None

    def __call__(self, observation: Array) -> Array:
        """Learn from what the last page came to, then show the K items of highest upper bound."""
        items = self._clicks.items(observation)
        self._learn(observation, items[:, -1])
        features = self._features(items)
        inverse = np.linalg.inv(self._gram)
        spread = np.sqrt(np.einsum("nif,fg,nig->ni", features, inverse, features, optimize=True))
        scores = features @ (inverse @ self._moment) + self._exploration * spread
        slate = best_open(scores, self._clicks.opened(items), self._size)
        self._slate, self._count = slate, observation[:, CLICKS]
        self._shown = features[np.arange(len(slate))[:, None], slate]
        self._fresh = np.zeros(len(slate), dtype=bool)
        return slate

    def episode_ended(self, rows: Array) -> None:
        """Forget the pages of the copies whose visitor left: their end was not observed."""
        if self._fresh is not None:
            self._fresh[rows] = True

    def _features(self, items: Array) -> Array:
        """Return (n, N, f): bias, popularity, exit effect, affinity to the last and to the earlier clicks."""
        n, last = len(items), items[:, -1]
        seen = (items >= 0)[..., None]
        near = np.where((last >= 0)[:, None], self._affinity[last], 0)
        earlier = (self._affinity[items[:, -5:-1]] * seen[:, -5:-1]).mean(1)
        columns = [np.ones_like(near), near, earlier]
        shared = np.stack([self._shop.log_popularity, self._shop.exit_effect], axis=1)
        same = (
            self._shop.category[None]
            * np.where((last >= 0)[:, None], self._shop.category[last], 0)[:, None, :]
        )
        return np.concatenate(
            [np.stack(columns, axis=-1), np.broadcast_to(shared, (n, *shared.shape)), same], axis=-1
        )

    def _learn(self, observation: Array, last: Array) -> None:
        if self._shown is None or self._slate is None or len(self._slate) != len(last):
            return
        usable = ~cast(Array, self._fresh)
        clicked = (observation[:, CLICKS] > self._count) & usable
        hit = (self._slate == last[:, None]) & clicked[:, None]
        above = np.cumsum(hit, axis=1) - hit == 0
        rows = self._shown[above & usable[:, None]]
        self._gram += rows.T @ rows
        self._moment += self._shown[hit].sum(0)


def linucb(task: SessionTask, exploration: float = 0.1) -> LinUCB:
    """Return a LinUCB shop that starts knowing nothing."""
    return LinUCB(task, exploration)
