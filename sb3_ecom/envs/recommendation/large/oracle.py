"""Clairvoyant policies for a session in a large shop."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.core.effort import refuse_if_cheap
from sb3_ecom.core.evaluate import run_episodes, simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.large.env import LargeTask
from sb3_ecom.envs.recommendation.large.retrieval import best_exact
from sb3_ecom.envs.recommendation.large.shop import PAD
from sb3_ecom.envs.recommendation.session.dynamics import Visit
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.planning import best_page
from sb3_ecom.envs.recommendation.session.visit_tables import VisitTables
from sb3_ecom.envs.recommendation.session.visitor import after_page, leave_logit

_POOL = 48  # items with the highest weight whose consequences are looked at
_SEARCHED = (4.0, 8.0, 12.0)  # value of staying, in clicks
_EPISODES = 256  # on which it is searched
_ORACLE_EPISODES = 512


def logit_columns(tables: VisitTables) -> Array:
    """Return the (N padded, C) item table whose product with `logit_query` are the items' choice logits.

    The fast path of `item_logits`: one product over the whole catalogue.
    """
    size = len(tables.quality)
    parts = (tables.quality[:, None], tables.item_factors, tables.category)
    columns = np.zeros((PAD * (size // PAD + 1), sum(part.shape[1] for part in parts)), np.float32)
    np.concatenate(parts, axis=1, out=columns[:size])
    return columns


def logit_query(params: SessionParams, visit: Visit) -> Array:
    """Return the (n, C) float32 query of the visitors; see `logit_columns`."""
    tired = -params.satiation_weight * visit.satiation
    query = np.concatenate([np.ones((len(tired), 1), np.float32), visit.taste, tired], axis=1)
    return query.astype(np.float32)


class Clairvoyant:
    """Sees taste, satiation and satisfaction; shows the page worth most in clicks now and in staying.

    A page earns sum_j w_j (1 + V_j) + W0 V_0 over sum_j w_j + W0, with w_j the choice weights and V the
    chance that the visitor stays times a constant `staying`; see `best_page`. ``staying=0`` is the myopic
    clairvoyant.
    """

    def __init__(self, loop: StepLoop, staying: float) -> None:
        self._loop, self._staying = loop, staying
        task = cast(LargeTask, loop.task)
        t, self._params = task.tables.hidden, task.params
        self._tables, self._size = t, task.items.size
        self._columns = logit_columns(t)

    def __call__(self, observation: Array) -> Array:
        """Return the (n, K) page."""
        p, t, state = self._params, self._tables, self._loop.state
        visit, opened = state.hidden, state.tracked.opened
        query = logit_query(p, visit)
        wanted = (
            p.slate_size if not self._staying else max(p.slate_size, min(_POOL, self._size - p.horizon - 1))
        )
        ids = best_exact(self._columns, query, opened, self._size, wanted)
        if not self._staying:
            return ids
        rows = np.arange(len(ids))[:, None]
        weight = np.exp(np.einsum("nmc,nc->nm", self._columns[ids], query))
        idle, clicked = (after_page(p, visit.satisfaction, flag)[:, None] for flag in (0, 1))
        click_value = 1 + self._staying * self._stay(clicked, t.exit_effect[ids])
        idle_value = self._staying * self._stay(idle, np.float32(p.exit_without_click))[:, 0]
        return ids[rows, best_page(t, weight, click_value, idle_value)]

    def _stay(self, satisfaction: Array, reaction: Array) -> Array:
        patience = self._loop.state.hidden.patience[:, None]
        return sigmoid(-leave_logit(self._params, satisfaction, patience, reaction))


def myopic_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and show the K items most likely to be clicked now."""
    return Clairvoyant(loop, 0.0)


def lookahead_clairvoyant(loop: StepLoop) -> Policy:
    """See the visitor, and weigh whether he stays after each click; the weight is searched."""
    task = cast(LargeTask, loop.task)
    for items, params, staying in _FOUND:
        if items is task.items.item_factors and params is task.params:
            return Clairvoyant(loop, staying)
    refuse_if_cheap("the value of staying is searched on visits")
    practice = StepLoop(task, _EPISODES)
    earned = [run_episodes(practice, Clairvoyant(practice, s), seed=1000)["reward"].mean() for s in _SEARCHED]
    best = _SEARCHED[int(np.argmax(earned))]
    _FOUND.append((task.items.item_factors, task.params, best))
    del _FOUND[:-4]
    return Clairvoyant(loop, best)


_FOUND: list[tuple[Any, Any, float]] = []


def oracle(task: LargeTask) -> Oracle:
    """Return the look-ahead clairvoyant's return on common visitors: attained, not proven best.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    only_weight(task, "clicks")
    information = "the visitor's taste, satiation, satisfaction and patience; not the noise"
    return simulate_oracle(task, lookahead_clairvoyant, "best-known", information, _ORACLE_EPISODES)
