"""What may come of a page, with its chances: a click on each slot or none, purchase, return, leaving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Task
from sb3_ecom.core.transition_model import Outcomes
from sb3_ecom.envs.recommendation.session.dynamics import Visit, choice_weights
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visit_tables import VisitTables

_MOOD = 3.0  # satisfaction and the page's share of the horizon seldom exceed a third


class SessionTransitionModel:
    """TransitionModel of sessions: K clicks and none, K + 1 cases a page.

    A visit is described by taste (each part in units of its spread over the items' own), satiation,
    satisfaction and page; patience, too, where visitors differ in it.

    Args:
        task: a `SessionTask` or `LargeTask`, on NumPy.

    Raises:
        ValueError: if the task lives on another backend.
    """

    def __init__(self, task: Task) -> None:
        if not isinstance(task.tables.visit.worth, np.ndarray):
            raise ValueError(f"transition_model needs NumPy arrays, got {type(task.tables.visit.worth)}")
        self._params: SessionParams = task.params  # type: ignore[attr-defined]
        self._tables: VisitTables = task.tables.visit
        self._weights: Mapping[str, float] = task.reward_weights
        spread = self._tables.start.std(0) + self._tables.impulse.std(0)
        self._scale = (1 / np.maximum(spread, 1e-3)).astype(np.float32)
        self.size = spread.size + self._tables.category.shape[1] + 2 + bool(self._params.patience_sd)

    def snapshot(self, state: Any) -> Visit:
        """Return the visit; of its arrays an autoreset writes into `entry` alone, which is not read here."""
        visit: Visit = state.visit
        return visit

    def features(self, snapshot: Visit) -> Array:
        """Return (n, F) descriptions."""
        v = snapshot
        description = np.empty((len(v.taste), self.size), dtype=np.float32)
        return self._describe(description, v.taste, v.satiation, v.satisfaction, v.page, v.patience)

    def outcomes(self, snapshot: Visit, step_info: Mapping[str, Array]) -> Outcomes:
        """Return what may come of ``step_info["slate"]``, shown to `snapshot`; the last case is no click."""
        p, t, slate = self._params, self._tables, step_info["slate"]
        ids = slate * (slate >= 0)
        weights, match = choice_weights(p, t, snapshot, slate)
        total = weights.sum(1) + t.outside
        chance = np.concatenate([weights, np.broadcast_to(t.outside, (len(ids), 1))], 1) / total[:, None]
        passed = p.satisfaction_decay * snapshot.satisfaction
        clicked = passed + 1 - p.satisfaction_decay
        patience = p.exit_base + p.exit_shift + snapshot.patience
        leave = np.concatenate(
            [
                (patience - p.exit_satisfaction * clicked)[:, None] + t.exit_effect[ids],
                (patience - p.exit_satisfaction * passed + p.exit_without_click)[:, None],
            ],
            axis=1,
        )
        continue_prob = _chance(-leave) * (snapshot.page + 1 < p.horizon)[:, None]
        taste = t.keep.take(ids, axis=0) * snapshot.taste[:, None] + t.impulse.take(ids, axis=0)
        satiation = p.satiation_decay * snapshot.satiation[:, None] + t.category.take(ids, axis=0)
        after = np.empty((len(ids), ids.shape[1] + 1, self.size), dtype=np.float32)
        page = snapshot.page + 1
        self._describe(after[:, :-1], taste, satiation, clicked, page, snapshot.patience)
        self._describe(after[:, -1], snapshot.taste, snapshot.satiation, passed, page, snapshot.patience)
        reward = np.pad(self._reward(ids, match), ((0, 0), (0, 1)))
        return Outcomes(chance, reward, continue_prob, after)

    def _describe(
        self, out: Array, taste: Array, satiation: Array, satisfaction: Array, page: Array, patience: Array
    ) -> Array:
        """Fill and return (n, F) or, for (n, K, D) tastes, (n, K, F) descriptions."""
        mood = [_MOOD * satisfaction, _MOOD / self._params.horizon * page]
        if self._params.patience_sd:
            mood.append(patience)
        rest = np.stack(mood, axis=1).reshape(len(taste), *(1,) * (taste.ndim - 2), -1)
        parts, groups = taste.shape[-1], satiation.shape[-1]
        np.multiply(taste, self._scale, out=out[..., :parts])
        out[..., parts : parts + groups] = satiation
        out[..., parts + groups :] = rest
        return out

    def _reward(self, ids: Array, match: Array) -> Array:
        """Return (n, K) expected rewards of clicks."""
        p, t, weight = self._params, self._tables, self._weights
        buy = _chance(t.buy[ids] + p.buy_match * match)
        back = _chance(t.send_back[ids] + p.return_match * match)
        sale = weight.get("purchases", 0.0) + weight.get("margin", 0.0) * t.margin[ids]
        return weight.get("clicks", 0.0) + buy * (
            sale - weight.get("returns", 0.0) * back * t.return_cost[ids]
        )


def _chance(logit: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-logit))
