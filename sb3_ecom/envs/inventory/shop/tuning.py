"""Search of the reorder rules' parameters, item by item, on common random numbers.

Items meet in the shared storage alone, so one simulation of a candidate scores it for every item at once;
common shifts are searched last, for the storage's sake.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.shop.buyer_view import View, view_of_tracked
from sb3_ecom.envs.inventory.shop.cross_entropy_search import refine
from sb3_ecom.envs.inventory.shop.demand_params import drift_factor
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES, Rule
from sb3_ecom.envs.inventory.shop.tuned import TUNED

_LOG = logging.getLogger(__name__)
_COPIES, _SEED = 192, 1_224  # half-years that every candidate meets


def view_of(task: ShopTask, state: State, *, known_rate: bool = False) -> View:
    """Return a buyer's view of a state; with `known_rate` hidden rate and uplift replace their estimates."""
    tables = task.tables.public
    view = view_of_tracked(state.tracked, task.tracker, tables)
    if not known_rate:
        return view
    rate, promotions = drift_factor(state.hidden.drift, task.params.demand), state.hidden.promotions
    uplift = None if promotions is None else promotions.uplift
    forecast = task.tracker.demand_to_cover(state.tracked, tables, uplift) * rate
    return view._replace(rate=rate * tables.mean, forecast=forecast)


def item_profits(
    task: ShopTask,
    make_rule: Callable[[ShopTask], Rule],
    u: Array,
    v: Array,
    *,
    known_rate: bool = False,
    copies: int = _COPIES,
    seed: int = _SEED,
) -> Array:
    """Return the profit per day of every item in every copy, (copies, N), on common random numbers."""
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, copies))
    rule = make_rule(task)
    profit = np.zeros((copies, task.params.demand.items))
    for _ in range(task.horizon):
        view = view_of(task, state, known_rate=known_rate)
        own = view_of(task, state) if known_rate else view
        action = task.to_action(own, *rule(task, view, u, v))
        state, outcome = task.step(state, action, task.draw_step(source, copies))
        profit += task.item_rewards(outcome)
    return profit / task.horizon


def search(
    task: ShopTask, make_rule: Callable[[ShopTask], Rule], *, known_rate: bool = False
) -> tuple[Array, Array, int]:
    """Return the best u and v of every item and the number of simulations spent.

    A 5 x 4 grid, a 3 x 3 refinement around each item's best, then common shifts of u and v.
    """
    items = task.params.demand.items
    best_u, best_v = np.zeros(items), np.zeros(items)
    best: Array = np.full(items, -np.inf)
    spent = 0

    def attempt(u: Array, v: Array) -> None:
        nonlocal spent, best
        spent += 1
        found = item_profits(task, make_rule, u, v, known_rate=known_rate).mean(axis=0)
        better = found > best
        best_u[better], best_v[better] = u[better], v[better]
        best = np.maximum(found, best)

    for pair in product((-0.6, 0.0, 0.5, 1.0, 1.5), (-1.0, -0.3, 0.4, 1.1)):
        attempt(*(np.full(items, value) for value in pair))
    centre_u, centre_v = best_u.copy(), best_v.copy()
    for shift_u in (-0.25, 0.0, 0.25):
        for shift_v in (-0.35, 0.0, 0.35):
            if shift_u or shift_v:
                attempt(centre_u + shift_u, centre_v + shift_v)
    common_u = common_v = 0.0
    top = float("-inf")
    for grain in (0.3, 0.15):
        centre = (common_u, common_v)
        for shift_u, shift_v in product((-grain, 0.0, grain), repeat=2):
            spent += 1
            u, v = best_u + centre[0] + shift_u, best_v + centre[1] + shift_v
            total = float(item_profits(task, make_rule, u, v, known_rate=known_rate).sum(axis=1).mean())
            if total > top:
                top, common_u, common_v = total, centre[0] + shift_u, centre[1] + shift_v
    return best_u + common_u, best_v + common_v, spent


def search_all(
    task: ShopTask, make_rule: Callable[[ShopTask], Rule], *, known_rate: bool = False
) -> tuple[Array, Array, int]:
    """Return what `search` finds, refined for all items at once, and the number of simulations spent."""
    u, v, spent = search(task, make_rule, known_rate=known_rate)
    items = len(u)

    def score(both: Array, number: int) -> float:
        found = item_profits(
            task, make_rule, both[:items], both[items:], known_rate=known_rate, seed=1_000 + number
        )
        return float(found.sum(axis=1).mean())

    both, more = refine(score, np.concatenate([u, v]))
    return both[:items], both[items:], spent + more


def parameters(task: ShopTask, name: str) -> tuple[Array, Array]:
    """Return the tuned u and v of a rule: stored for the shipped shop, searched (and kept) for any other.

    Every option that changes costs, demand or supply, and every reward weight, is another shop.
    """
    return _parameters(task.tuning_signature, name)


@lru_cache(maxsize=32)
def _parameters(signature: tuple[Any, ...], name: str) -> tuple[Array, Array]:
    task = ShopTask.from_signature(signature)
    if task.is_default and name in TUNED:
        u, v = TUNED[name]
        return np.array(u), np.array(v)
    _LOG.warning("tuning %s for this shop: some minutes, once per process", name)
    known_rate = name == "known_rate"
    thorough = search_all if known_rate or name == "forecast_refined" else search
    u, v, _ = thorough(task, RULES["forecast_pro_rata" if known_rate else name], known_rate=known_rate)
    return u, v
