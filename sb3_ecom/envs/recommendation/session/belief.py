"""Belief about a visitor of a shop that knows the model, from what it sees.

The landing item and the clicks determine taste, satiation and satisfaction, so these are followed exactly.
Patience is hidden: it is filtered on a Gauss-Hermite grid from the fact that the visitor stayed.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.baselines import ObservedClicks
from sb3_ecom.envs.recommendation.session.dynamics import attraction
from sb3_ecom.envs.recommendation.session.env import CLICKS, SessionTask
from sb3_ecom.envs.recommendation.session.planning import Belief
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    after_page,
    leave_logit,
    satiation_after_click,
)

_PATIENCE_NODES = 7


class ShopBelief:
    """Follows n sessions from their observations."""

    def __init__(self, loop: StepLoop) -> None:
        task = cast(SessionTask, loop.task)
        self._params, self._tables = task.params, task.tables.hidden
        self._clicks = ObservedClicks(task)
        n, size = loop.num_envs, self._tables.quality.shape[0]
        nodes, weights = np.polynomial.hermite_e.hermegauss(_PATIENCE_NODES)
        self._nodes, self._prior = nodes * self._params.patience_sd, weights / weights.sum()
        self.patience = np.tile(self._prior, (n, 1))
        self.taste = np.zeros((n, self._tables.retention.shape[1]))
        self.satiation = np.zeros((n, self._tables.category.shape[1]))
        self.satisfaction, self.clicks, self.page = np.zeros((3, n))
        self.opened = np.zeros((n, size), dtype=bool)
        self._fresh = np.ones(n, dtype=bool)

    def __call__(self, observation: Array) -> Belief:
        """Take in what the last page came to; return the belief before the next one."""
        last = self._clicks.items(observation)[:, -1]
        self._continue(observation, last)
        self._open(last)
        weights = attraction(self._tables, self.taste)
        return Belief(
            taste=self.taste,
            weights=weights * ~self.opened,
            satiation=self.satiation,
            satisfaction=self.satisfaction,
            patience=self.patience @ self._nodes,
            opened=self.opened,
            page=self.page,
        )

    def episode_ended(self, rows: Array) -> None:
        """Start the belief of these copies anew: their next observation opens a session."""
        self._fresh[rows] = True

    def _open(self, landing: Array) -> None:
        """Start the sessions that are new."""
        rows = np.flatnonzero(self._fresh)
        for part in (self.satiation, self.satisfaction, self.clicks, self.page, self.opened):
            part[rows] = 0
        self.patience[rows] = self._prior
        self.taste[rows] = self._tables.start[landing[rows]]
        self.opened[rows, landing[rows]] = True
        self._fresh[:] = False

    def _continue(self, observation: Array, item: Array) -> None:
        t, p = self._tables, self._params
        alive = ~self._fresh
        clicked = (observation[:, CLICKS] * 10 > self.clicks + 0.5) & alive
        satisfaction = after_page(p, self.satisfaction, clicked)
        reaction = np.where(clicked, t.exit_effect[item], p.exit_without_click)
        logit = leave_logit(p, satisfaction[:, None], self._nodes, reaction[:, None])
        patience = self.patience * sigmoid(-logit)  # times the chance to stay
        patience /= patience.sum(1, keepdims=True)
        some = clicked[:, None]
        self.patience = np.where(alive[:, None], patience, self.patience)
        self.taste = np.where(
            some, after_click(t.retention[item], t.click_update[item], self.taste), self.taste
        )
        self.satiation = np.where(
            some, satiation_after_click(p, self.satiation, t.category[item]), self.satiation
        )
        self.satisfaction = np.where(alive, satisfaction, self.satisfaction)
        self.opened[np.flatnonzero(clicked), item[clicked]] = True
        self.clicks = self.clicks + clicked
        self.page = self.page + alive
