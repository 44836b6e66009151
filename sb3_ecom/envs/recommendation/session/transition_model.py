"""Exact chances of what may come of a page: a click on each slot or none, purchase, return, leaving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.core.task import Task
from sb3_ecom.core.transition_model import Outcomes
from sb3_ecom.envs.recommendation.session.dynamics import Visit, choice_weights, sale_logits
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.rewards import PageCases, RewardTerm, expected_reward
from sb3_ecom.envs.recommendation.session.visit_tables import MARGIN, RETURN_COST, VisitTables
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    after_page,
    leave_logit,
    satiation_after_click,
)

_MOOD = 3.0  # satisfaction and the page's share of the horizon seldom exceed a third


class SessionTransitionModel:
    """Transition model of sessions: K clicks and none, K + 1 cases a page.

    The features of a visit are its taste (each part in units of its spread over the items' own), satiation,
    satisfaction and page; patience, too, where visitors differ in it.

    Args:
        task: a `SessionTask` or `LargeTask`, on NumPy.

    Raises:
        ValueError: if the task lives on another backend.
    """

    def __init__(self, task: Task) -> None:
        tables: VisitTables = task.tables.hidden
        if not isinstance(tables.item_factors, np.ndarray):
            raise ValueError(f"transition_model needs NumPy arrays, got {type(tables.item_factors)}")
        self._params: SessionParams = task.params  # type: ignore[attr-defined]
        self._rewards: Iterable[RewardTerm] = task.rewards  # type: ignore[attr-defined]
        self._tables = tables
        self._weights: Mapping[str, float] = task.reward_weights
        spread = tables.start.std(0) + tables.click_update.std(0)
        self._scale = (1 / np.maximum(spread, 1e-3)).astype(np.float32)
        self.size = spread.size + tables.category.shape[1] + 2 + bool(self._params.patience_sd)

    def snapshot(self, state: Any) -> Visit:
        """Return the visit; of its arrays an autoreset writes into `entry` alone, which is not read here."""
        visit: Visit = state.hidden
        return visit

    def features(self, snapshot: Visit) -> Array:
        """Return (n, F) features."""
        v = snapshot
        out = np.empty((len(v.taste), self.size), dtype=np.float32)
        return self._fill(out, v.taste, v.satiation, v.satisfaction, v.page, v.patience)

    def outcomes(self, snapshot: Visit, step_info: Mapping[str, Array]) -> Outcomes:
        """Return what may follow ``step_info["slate"]``, shown to `snapshot`; the last case is no click."""
        p, t, v, slate = self._params, self._tables, snapshot, step_info["slate"]
        ids = slate * (slate >= 0)
        weights, match = choice_weights(p, t, v, slate)
        total = weights.sum(1) + t.outside
        outside = np.broadcast_to(t.outside, (len(ids), 1))
        probabilities = np.concatenate([weights, outside], 1) / total[:, None]
        idle, clicked = after_page(p, v.satisfaction, 0), after_page(p, v.satisfaction, 1)
        leave = np.concatenate(
            [
                leave_logit(p, clicked[:, None], v.patience[:, None], t.exit_effect[ids]),
                leave_logit(p, idle, v.patience, p.exit_without_click)[:, None],
            ],
            axis=1,
        )
        continue_prob = sigmoid(-leave) * (v.page + 1 < p.horizon)[:, None]
        retention, update = t.retention.take(ids, axis=0), t.click_update.take(ids, axis=0)
        taste = after_click(retention, update, v.taste[:, None])
        satiation = satiation_after_click(p, v.satiation[:, None], t.category.take(ids, axis=0))
        after = np.empty((len(ids), ids.shape[1] + 1, self.size), dtype=np.float32)
        page = v.page + 1
        self._fill(after[:, :-1], taste, satiation, clicked, page, v.patience)
        self._fill(after[:, -1], v.taste, v.satiation, idle, page, v.patience)
        rewards = expected_reward(self._cases(ids, match), self._weights, self._rewards)
        return Outcomes(probabilities, rewards, continue_prob, after)

    def _cases(self, ids: Array, match: Array) -> PageCases:
        """Return the cases of (n, K) items whose (n, K) match with the visitor's taste is given."""
        event = self._tables.outcome.take(ids, axis=0)
        chances = sigmoid(sale_logits(self._tables, event, match))
        clicked = np.ones_like(match)
        columns = (clicked, chances[..., 0], chances[..., 1], event[..., MARGIN], event[..., RETURN_COST])
        return PageCases(*(np.pad(column, ((0, 0), (0, 1))) for column in columns))

    def _fill(
        self, out: Array, taste: Array, satiation: Array, satisfaction: Array, page: Array, patience: Array
    ) -> Array:
        """Fill and return (n, F) or, for (n, K, D) tastes, (n, K, F) features."""
        mood = [_MOOD * satisfaction, _MOOD / self._params.horizon * page]
        if self._params.patience_sd:
            mood.append(patience)
        rest = np.stack(mood, axis=1).reshape(len(taste), *(1,) * (taste.ndim - 2), -1)
        parts, groups = taste.shape[-1], satiation.shape[-1]
        np.multiply(taste, self._scale, out=out[..., :parts])
        out[..., parts : parts + groups] = satiation
        out[..., parts + groups :] = rest
        return out
