"""What a page is worth before chance decides: the expectation over click, purchase, return and leaving.

Most of a session's clicks is luck (standard deviation 4.6 around 4.2, `benchmarks/expected_gain.py`): which
item the visitor took, and whether he left. A simulator can take the expectation instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.task import Task
from sb3_ecom.envs.recommendation.dynamics import Visit, VisitTables, choice_weights
from sb3_ecom.envs.recommendation.params import SessionParams
from sb3_ecom.envs.recommendation.worth import fit_worth

_SESSIONS = 8192  # simulated, to fit what a visit is still worth


class Worth(NamedTuple):
    """What the rest of a visit is worth, linear in the visitor's hidden state."""

    taste: Array  # (D,)
    satiation: Array  # (G,)
    satisfaction: float
    constant: float


class ExpectedGain:
    """Expected advantage of pages: reward plus discounted worth of going on, less the worth of the visit.

    The worth V is linear in taste, satiation and satisfaction, fitted by least squares to discounted returns
    of simulated sessions; it need not be right. Summed over a session the gains are, in expectation, the
    policy's return less V of the landing (the performance difference lemma), so that policies are ranked as
    by the reward itself, with a nineteenth of its variance (`benchmarks/expected_gain.py`).

    Args:
        task: a `SessionTask`, on NumPy.
        action: (n, k) constant action of the sessions that V is fitted to.
        discount: of the learner, in [0, 1].

    Source:
        S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002
        (lemma 6.1); a critic that sees the simulator's state: L. Pinto et al., "Asymmetric actor critic for
        image-based robot learning", RSS 2018.
    """

    def __init__(self, task: Task, action: Array, discount: float) -> None:
        self.params: SessionParams = task.params  # type: ignore[attr-defined]
        self.tables: VisitTables = task.tables.visit
        self.discount = discount
        self._weights: Mapping[str, float] = task.reward_weights
        self.worth = _fit(StepLoop(task, _SESSIONS), action, discount)
        # A click on j turns taste t into keep_j t + impulse_j: what that does to the worth.
        self._kept = (self.tables.keep * self.worth.taste).astype(np.float32)
        self._added = self.tables.impulse @ self.worth.taste + self.tables.category @ self.worth.satiation

    def before(self, state: Any) -> Visit:
        """Return what `__call__` must know of the state before the step."""
        visit: Visit = state.visit
        return visit

    def value(self, visit: Visit) -> Array:
        """Return (n,) what visits are still worth."""
        return self._value(visit, visit.satisfaction)

    def _value(self, visit: Visit, satisfaction: Array) -> Array:
        mood = self.worth.satisfaction * satisfaction + self.worth.constant
        value: Array = visit.taste @ self.worth.taste + visit.satiation @ self.worth.satiation + mood
        return value

    def __call__(self, visit: Visit, report: Mapping[str, Array]) -> Array:
        """Return the (n,) float32 expected gain of ``report["slate"]``, shown to `visit`."""
        p, t, slate = self.params, self.tables, report["slate"]
        ids = slate * (slate >= 0)
        weight, match = choice_weights(p, t, visit, slate)
        chance = weight / (weight.sum(1) + t.outside)[:, None]
        satisfaction = p.satisfaction_decay * visit.satisfaction
        clicked, passed = satisfaction + 1 - p.satisfaction_decay, satisfaction
        patience = p.exit_base + p.exit_shift + visit.patience
        satiation = visit.satiation @ self.worth.satiation
        taste = np.vecdot(self._kept.take(ids, axis=0), visit.taste[:, None, :]) + self._added[ids]
        mood = p.satiation_decay * satiation + self.worth.satisfaction * clicked + self.worth.constant
        leave = patience - p.exit_satisfaction * clicked
        after = _chance(-(leave[:, None] + t.exit_effect[ids])) * (taste + mood[:, None])
        stay = _chance(-(patience + p.exit_without_click - p.exit_satisfaction * passed))
        gain = (chance * (self._reward(ids, match) + self.discount * after)).sum(1)
        gain += (1 - chance.sum(1)) * self.discount * stay * self._value(visit, passed) - self.value(visit)
        return gain.astype(np.float32)

    def _reward(self, ids: Array, match: Array) -> Array:
        """Return (n, K) expected rewards of clicks."""
        p, t, weight = self.params, self.tables, self._weights
        buy = _chance(t.buy[ids] + p.buy_match * match)
        back = _chance(t.send_back[ids] + p.return_match * match)
        sale = weight.get("purchases", 0.0) + weight.get("margin", 0.0) * t.margin[ids]
        return weight.get("clicks", 0.0) + buy * (
            sale - weight.get("returns", 0.0) * back * t.return_cost[ids]
        )


def _fit(loop: StepLoop, action: Array, discount: float) -> Worth:
    """Return the worth of visits under a constant action."""
    always = np.broadcast_to(action, (loop.num_envs, *action.shape))
    slow = fit_worth(loop, lambda observation: always, _describe, discount)
    width = loop.task.tables.visit.worth.shape[1]
    return Worth(slow[:width], slow[width:-2], float(slow[-2]), float(slow[-1]))


def _describe(state: Any) -> Array:
    visit: Visit = state.visit
    one = np.ones((len(visit.satisfaction), 1), dtype=np.float32)
    return np.concatenate((visit.taste, visit.satiation, visit.satisfaction[:, None], one), axis=1)


def _chance(logit: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-logit))
