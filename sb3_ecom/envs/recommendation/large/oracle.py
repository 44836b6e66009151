"""How good a session in a large shop can be: clairvoyants see the visitor, a tiny shop is solved exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.recommendation.large.env import LargeTask
from sb3_ecom.envs.recommendation.large.retrieval import best_exact
from sb3_ecom.envs.recommendation.large.shop import PAD
from sb3_ecom.envs.recommendation.session.visitor import after_page, leave_logit

Policy = Callable[[Array], Array]

_POOL = 48  # items with the highest weight whose consequences are looked at
_DINKELBACH = 4  # iterations; more change nothing
_SEARCHED = (4.0, 8.0, 12.0)  # value of staying, in clicks
_EPISODES = 256  # on which it is searched
_ORACLE_EPISODES = 512


class Clairvoyant:
    """Sees taste, satiation and satisfaction; shows the page worth most in clicks now and in staying.

    A page earns sum_j w_j (1 + V_j) + W0 V_0 over sum_j w_j + W0, with w_j the choice weights and V the
    chance that the visitor stays times a constant `staying`. Maximised by Dinkelbach's iteration over the
    items of highest weight. ``staying=0`` is the myopic clairvoyant.
    """

    def __init__(self, loop: StepLoop, staying: float) -> None:
        self._loop, self._staying = loop, staying
        task = cast(LargeTask, loop.task)
        t, self._params = task.tables.hidden, task.params
        self._tables, self._size = t, task.items.size
        blank = np.zeros((PAD * (self._size // PAD + 1), 1 + t.item_factors.shape[1] + t.category.shape[1]))
        self._columns = blank.astype(np.float32)
        np.concatenate(
            [t.quality[:, None], t.item_factors, t.category], axis=1, out=self._columns[: self._size]
        )

    def __call__(self, observation: Array) -> Array:
        """Return the (n, K) page."""
        p, t, state = self._params, self._tables, self._loop.state
        visit, opened = state.hidden, state.tracked.opened
        tired = -p.satiation_weight * visit.satiation
        query = np.concatenate([np.ones((len(tired), 1), np.float32), visit.taste, tired], axis=1)
        wanted = (
            p.slate_size if not self._staying else max(p.slate_size, min(_POOL, self._size - p.horizon - 1))
        )
        ids = best_exact(self._columns, query.astype(np.float32), opened, self._size, wanted)
        if not self._staying:
            return ids
        rows = np.arange(len(ids))[:, None]
        weight = np.exp(np.einsum("nmc,nc->nm", self._columns[ids], query))
        idle, clicked = (after_page(p, visit.satisfaction, flag)[:, None] for flag in (0, 1))
        gain = 1 + self._staying * self._stay(clicked, t.exit_effect[ids])
        lost = self._staying * self._stay(idle, np.float32(p.exit_without_click))[:, 0]
        slots, outside, value = np.exp(t.slot), float(t.outside[0]), np.zeros(len(ids))
        for _ in range(_DINKELBACH):
            order = np.argsort(-weight * (gain - value[:, None]), axis=1)[:, : p.slate_size]
            shown = weight[rows, order] * slots
            value = ((shown * gain[rows, order]).sum(1) + outside * lost) / (outside + shown.sum(1))
        return ids[rows, order]

    def _stay(self, satisfaction: Array, reaction: Array) -> Array:
        patience = self._loop.state.hidden.patience[:, None]
        return 1 / (1 + np.exp(leave_logit(self._params, satisfaction, patience, reaction)))


def myopic_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and show the K items most likely to be clicked now."""
    return Clairvoyant(loop, 0.0)


def lookahead_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and weigh whether he stays after each click; the weight is searched."""
    task = cast(LargeTask, loop.task)
    for items, params, staying in _FOUND:
        if items is task.items.item_factors and params is task.params:
            return Clairvoyant(loop, staying)
    practice = StepLoop(task, _EPISODES)
    earned = [run_episodes(practice, Clairvoyant(practice, s), seed=1000)["reward"].mean() for s in _SEARCHED]
    best = _SEARCHED[int(np.argmax(earned))]
    _FOUND.append((task.items.item_factors, task.params, best))
    del _FOUND[:-4]
    return Clairvoyant(loop, best)


_FOUND: list[tuple[Any, Any, float]] = []


def oracle(task: LargeTask) -> Oracle:
    """Return the look-ahead clairvoyant's return on common visitors: attained, not proven best."""
    loop = StepLoop(task, _ORACLE_EPISODES)
    returns = run_episodes(loop, lookahead_clairvoyant(loop), seed=0)["reward"]
    return Oracle(
        kind="best-known",
        value=float(returns.mean()),
        stderr=float(returns.std(ddof=1) / np.sqrt(returns.size)),
        information="the visitor's taste, satiation, satisfaction and patience; not the noise",
        policy=lookahead_clairvoyant,
    )
