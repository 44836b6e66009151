"""Look-ahead for a page: chooses its items when each click changes the visitor.

A page earns ``sum_j w_j (1 + V_j) / (W0 + sum_j w_j)`` plus the part without a click, where w_j is the choice
weight of an item, W0 that of clicking nothing and V_j the value of the rest of the session after a click on
j. For given V this fractional programme is solved by Dinkelbach's iteration: the K items with the highest
``w_j (1 + V_j - value)``, value updated until it stands. V is linear in features of the next state and
fitted to simulated returns of the policy itself (fitted policy iteration), so the result is a policy that is
attained, not a bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid, tree_take
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.policies import end_notice
from sb3_ecom.envs.recommendation.session.dynamics import attraction
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.visit_tables import VisitTables
from sb3_ecom.envs.recommendation.session.visitor import (
    after_click,
    after_page,
    item_logits,
    leave_logit,
    satiation_after_click,
)

_CANDIDATES = 24  # items with the highest weight whose consequences are looked at
_ROUNDS = 6  # of fitted policy iteration
_MEMORY = (
    4  # rounds whose sessions the value is fitted to: with the newest alone it swings between two policies
)
_EPISODES = 512  # per round
_SEED = 1000  # of its visitors
_DINKELBACH = 4  # iterations; three change nothing any more


class Belief(NamedTuple):
    """State of n visitors as a planner believes it: for a clairvoyant the truth, for a shop its estimate."""

    taste: Array  # (n, D)
    weights: Array  # (n, N) choice weights of every item without satiation, opened and known items 0
    satiation: Array  # (n, G)
    satisfaction: Array  # (n,)
    patience: Array  # (n,)
    opened: Array  # (n, N) bool
    page: Array  # (n,)


def best_page(tables: VisitTables, weights: Array, click_value: Array, idle_value: Array) -> Array:
    """Return the (n, K) places, best first, of the candidates whose page has the highest expected value.

    Args:
        tables: of the visitor.
        weights: (n, M) choice weights of the M candidates in the first slot.
        click_value: (n, M) value of a click on each, what follows included.
        idle_value: (n,) value of a page without a click.
    """
    size, outside = len(tables.slot), float(tables.outside[0])
    rows = np.arange(len(weights))[:, None]
    slots = np.exp(tables.slot)  # what is left of an item's weight further down the page
    value = np.zeros(len(weights))
    for _ in range(_DINKELBACH):
        surplus = weights * (click_value - value[:, None])
        best = np.argpartition(-surplus, size - 1, axis=1)[:, :size]
        order: Array = best[rows, np.argsort(-surplus[rows, best], axis=1)]
        shown = weights[rows, order] * slots
        earned = (shown * click_value[rows, order]).sum(1) + outside * idle_value
        value = earned / (outside + shown.sum(1))
    return order


class Planner:
    """Chooses pages for beliefs; `coefficients` weigh `_features` into the value of the pages to come."""

    def __init__(
        self, task: SessionTask, coefficients: Array | None = None, future_clicks: float = 0.0
    ) -> None:
        self.params = task.params
        self.tables: VisitTables = task.tables.hidden
        self.coefficients = np.zeros(_NUM_FEATURES) if coefficients is None else coefficients
        # Value of a click on each item: 1, less the typical value of staying where he leaves after it.
        leave = 1 - self._stay(np.float32(_TYPICAL_SATISFACTION), np.float32(0), self.tables.exit_effect)
        self.click_value = np.maximum(1.0 - leave * future_clicks, 0.02).astype(np.float32)

    def page(self, belief: Belief) -> Array:
        """Return the (n, K) slate, best item first."""
        size = self.params.slate_size
        weights = belief.weights * self._fatigue_factors(belief.satiation)
        count = min(max(_CANDIDATES, size), weights.shape[1])
        ids = np.argpartition(-weights, count - 1, axis=1)[:, :count]
        rows = np.arange(len(ids))[:, None]
        click_value = 1.0 + self._click_future(belief, ids)
        order = best_page(self.tables, weights[rows, ids], click_value, self._idle_value(belief))
        return ids[rows, order]

    def continuation_value(self, belief: Belief) -> Array:
        """Return (n,) the value of the pages from here on."""
        return np.maximum(self.features(belief) @ self.coefficients, 0.0)

    def features(self, belief: Belief) -> Array:
        """Return (n, F) features of a state."""
        outlook = self._page_outlook(belief.weights, belief.satiation)
        return _features(outlook, belief.satisfaction, belief.patience, belief.page / self.params.horizon)

    def _page_outlook(self, weights: Array, satiation: Array) -> tuple[Array, Array]:
        """Return click chance and mean click value of the page of highest weight x click value."""
        weights = weights * self._fatigue_factors(satiation)
        size = self.params.slate_size
        best = np.argpartition(-(weights * self.click_value), size - 1, axis=-1)[..., :size]
        top = np.take_along_axis(weights, best, axis=-1)
        total = top.sum(-1)
        mean = (top * self.click_value[best]).sum(-1) / (total + 1e-9)
        return total / (total + self.tables.outside[0]), mean

    def _fatigue_factors(self, satiation: Array) -> Array:
        """Return the (..., N) factors of the choice weights at (..., G) satiations."""
        return np.exp(item_logits(self.params, 0.0, 0.0, satiation @ self.tables.category.T))

    def _stay(self, satisfaction: Array, patience: Array, reaction: Array) -> Array:
        return sigmoid(-leave_logit(self.params, satisfaction, patience, reaction))

    def _idle_value(self, belief: Belief) -> Array:
        """Return (n,) stay probability x value of the same state one page on, without a click."""
        satisfaction = after_page(self.params, belief.satisfaction, 0)
        stay = self._stay(satisfaction, belief.patience, np.float32(self.params.exit_without_click))
        return stay * self.continuation_value(
            belief._replace(satisfaction=satisfaction, page=belief.page + 1)
        )

    def _click_future(self, belief: Belief, ids: Array) -> Array:
        """Return (n, M) stay probability x continuation value after a click on each candidate."""
        p, t = self.params, self.tables
        n, m = ids.shape
        if not self.coefficients.any():
            return np.zeros((n, m))
        satisfaction = after_page(p, belief.satisfaction, 1)
        taste = after_click(t.retention[ids], t.click_update[ids], belief.taste[:, None, :])
        weights = attraction(t, taste.reshape(n * m, -1)).reshape(n, m, -1)
        weights *= ~belief.opened[:, None, :]
        weights[np.arange(n)[:, None], np.arange(m)[None], ids] = 0
        satiation = satiation_after_click(p, belief.satiation[:, None, :], t.category[ids])
        outlook = self._page_outlook(weights, satiation)
        content, patience = (
            np.broadcast_to(part[:, None], (n, m)) for part in (satisfaction, belief.patience)
        )
        page = np.broadcast_to((belief.page[:, None] + 1) / p.horizon, (n, m))
        onward = np.maximum(_features(outlook, content, patience, page) @ self.coefficients, 0.0)
        return self._stay(content, patience, t.exit_effect[ids]) * onward


_NUM_FEATURES = 12
_TYPICAL_SATISFACTION = 0.35


def _features(outlook: tuple[Array, Array], satisfaction: Array, patience: Array, page: Array) -> Array:
    chance, click_value = outlook
    stay = 1.0 / (1.0 + np.exp(patience - 2.0 * satisfaction))
    parts = [
        np.ones_like(chance),
        chance,
        chance**2,
        click_value,
        click_value * chance,
        click_value * satisfaction,
        satisfaction,
        satisfaction**2,
        chance * satisfaction,
        stay,
        page,
        page * satisfaction,
    ]
    return np.stack(parts, axis=-1)


def fit_planner(task: SessionTask, believe: Callable[[StepLoop], Callable[[Array], Belief]]) -> Planner:
    """Fit the continuation value by policy iteration on simulated visitors.

    Args:
        task: whose visitors are simulated.
        believe: make(loop) -> callable(observation) -> Belief, the planner's way of knowing.
    """
    planner, best, record = Planner(task), Planner(task), -np.inf
    played: deque[tuple[Array, Array]] = deque(maxlen=_MEMORY)
    for _ in range(_ROUNDS):
        features, to_go, earned = _play(task, planner, believe)
        if earned > record:  # policy iteration with a fitted value may also get worse
            best, record = planner, earned
        played.append((features, to_go))
        x, y = (np.concatenate(parts) for parts in zip(*played, strict=True))
        ridge = x.T @ x + 1e-3 * np.eye(_NUM_FEATURES)
        coefficients = np.linalg.solve(ridge, x.T @ y)
        planner = Planner(task, coefficients, future_clicks=float(y.mean()))
    return best


def _play(
    task: SessionTask, planner: Planner, believe: Callable[[StepLoop], Callable[[Array], Belief]]
) -> tuple[Array, Array, float]:
    """Return (samples, F) features of visited states, (samples,) clicks from there on, clicks per session."""
    loop = StepLoop(task, _EPISODES)
    observation = loop.reset(_SEED)  # the same visitors for every planner
    belief_of = believe(loop)
    tell_ended = end_notice(belief_of)
    alive = np.ones(_EPISODES, dtype=bool)
    features, clicks, alive_steps = [], [], []
    while alive.any():
        belief = belief_of(observation)
        features.append(planner.features(belief))
        slate = np.zeros((_EPISODES, task.params.slate_size), dtype=np.int64)
        slate[alive] = planner.page(tree_take(belief, alive))  # nobody looks at the others any more
        result = loop.step(slate)
        observation = result.observation
        alive_steps.append(alive.copy())
        clicks.append(np.where(alive, result.terms["clicks"], 0.0))
        alive[result.rows] = False
        tell_ended(result.rows)
    to_go = np.cumsum(np.array(clicks)[::-1], axis=0)[::-1]
    mask = np.array(alive_steps)
    return np.array(features)[mask], to_go[mask], float(to_go[0].mean())
