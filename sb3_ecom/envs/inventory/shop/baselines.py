"""Reorder rules for a web shop: static, forecast and newsvendor (s, S), each tuned item by item.

All see observations only, and know the fitted demand model (mean, erraticness, calendar), the costs and the
lead-time law. Items meet in the shared storage alone, so one simulation of a candidate scores it for every
item at once; common shifts are searched last, for the storage's sake.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.shop.buyer_view import View
from sb3_ecom.envs.inventory.shop.coordinate_search import refine
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.forecasts import holt_winters, seasonal_naive
from sb3_ecom.envs.inventory.shop.tuned import TUNED

_LOG = logging.getLogger(__name__)
_COPIES, _SEED = 192, 1_224  # half-years that every candidate meets
_LOT_DAYS = 7.0

#: (task, view, u, v) -> reorder points and order-up-to levels, (n, N) units; u and v are (N,)
Rule = Callable[[ShopTask, View, Array, Array], tuple[Array, Array]]


def static(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Keep the same two levels all year, in days of the mean demand."""
    point = np.exp(u) * task.span * task.tables.mean
    top = point + np.exp(v) * _LOT_DAYS * task.tables.mean
    return np.broadcast_to(point, view.stock.shape), np.broadcast_to(top, view.stock.shape)


def forecast(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Scale the textbook forecast until arrival, and a week of the estimated rate."""
    point = np.exp(u) * view.forecast
    return point, point + np.exp(v) * _LOT_DAYS * view.rate


def newsvendor(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Add safety stock to the textbook forecast."""
    return _with_safety(task, view.forecast, view.rate, u, v)


def naive(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Add safety stock to what the same weekdays sold in the weeks seen."""
    return _with_safety(task, *seasonal_naive(task, view), u, v)


def smoothed(task: ShopTask) -> Rule:
    """Return a rule that adds safety stock to a Holt-Winters forecast; it has a memory."""
    predict = holt_winters(task)
    return lambda task, view, u, v: _with_safety(task, *predict(task, view), u, v)


def _with_safety(task: ShopTask, forecast: Array, rate: Array, u: Array, v: Array) -> tuple[Array, Array]:
    """Return forecast plus safety stock from the demand model's variance, and an economic lot."""
    tables = task.tables
    spread = np.sqrt(forecast + forecast**2 / (tables.shape * task.span))
    lot = np.sqrt(2 * tables.line * rate / tables.holding)
    point = forecast + (np.exp(u) - 0.2) * spread
    return point, point + np.exp(v) * np.maximum(lot, 1.0)


def within_storage(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
    """Follow `forecast`, but share out the room that stock and goods under way leave, pro rata."""
    point, top = forecast(task, view, u, v)
    wanted = np.where(view.position <= point, np.maximum(top - view.position, 0), 0)
    room = np.maximum(task.rules.capacity - view.position.sum(axis=1), 0)
    share = np.minimum(room / np.maximum(wanted.sum(axis=1), 1), 1)[:, None]
    short = (wanted > 0) & (share < 1)
    # Half a unit above the position: the order is then the lot alone, and can be as small as the share.
    return np.where(short, view.position + 0.5, point), np.where(short, view.position + wanted * share, top)


def can_order(share: float) -> Rule:
    """Return a rule by which an item that must be ordered takes others along, so that they share a truck.

    Once one item is at its reorder point, every item whose position is below point + `share` x lot is ordered
    up to its own level (within the storage).

    Source: Balintfy (1964), "On a basic class of multi-item inventory problems", Management Science 10(2).
    """

    def rule(task: ShopTask, view: View, u: Array, v: Array) -> tuple[Array, Array]:
        point, top = within_storage(task, view, u, v)
        due = (view.position <= point).any(axis=1, keepdims=True)
        return np.where(due, point + share * (top - point), point), top

    return rule


#: name -> make(task) -> a rule at the start of its episodes
RULES: Mapping[str, Callable[[ShopTask], Rule]] = MappingProxyType(
    {
        "static_s_S": lambda task: static,
        "seasonal_naive": lambda task: naive,
        "holt_winters": smoothed,
        "newsvendor_s_S": lambda task: newsvendor,
        "forecast_s_S": lambda task: forecast,
        "forecast_pro_rata": lambda task: within_storage,
        "forecast_refined": lambda task: within_storage,  # the same rule, searched seven times as long
        "can_order": lambda task: can_order(0.4),
    }
)


def item_profits(
    task: ShopTask,
    make_rule: Callable[[ShopTask], Rule],
    u: Array,
    v: Array,
    *,
    informed: bool = False,
    copies: int = _COPIES,
    seed: int = _SEED,
) -> Array:
    """Return the profit per day of every item in every copy, (copies, N), on common random numbers."""
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, copies))
    rule = make_rule(task)
    profit = np.zeros((copies, task.params.demand.items))
    for _ in range(task.horizon):
        view = view_of(task, state, informed)
        own = view_of(task, state) if informed else view
        action = task.to_action(own, *rule(task, view, u, v))
        state, outcome = task.step(state, action, task.draw_step(source, copies))
        profit += task.item_rewards(outcome)
    return profit / task.horizon


def view_of(task: ShopTask, state: Any, informed: bool = False) -> View:
    """Return a buyer's view of a state; informed: with the hidden rate and uplift, not their estimates."""
    position = state.stock + state.under_way
    usual, level = task.usual_ahead(state), task.level(state)
    if informed:
        level = np.exp(state.drift - task.rules.drift_sd**2 / 2)
        usual = usual if state.promotions is None else task.usual_ahead(state, state.promotions.uplift)
    return View(
        stock=state.stock,
        position=position,
        rate=level * task.tables.mean,
        forecast=usual * level,
        weekday=state.weekday,
        **task.past(state.history),
    )


def search(
    task: ShopTask, make_rule: Callable[[ShopTask], Rule], *, informed: bool = False
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
        found = item_profits(task, make_rule, u, v, informed=informed).mean(axis=0)
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
            total = float(item_profits(task, make_rule, u, v, informed=informed).sum(axis=1).mean())
            if total > top:
                top, common_u, common_v = total, centre[0] + shift_u, centre[1] + shift_v
    return best_u + common_u, best_v + common_v, spent


def search_all(
    task: ShopTask, make_rule: Callable[[ShopTask], Rule], *, informed: bool = False
) -> tuple[Array, Array, int]:
    """Return what `search` finds, refined for all items at once, and the number of simulations spent."""
    u, v, spent = search(task, make_rule, informed=informed)
    items = len(u)

    def score(both: Array, number: int) -> float:
        found = item_profits(
            task, make_rule, both[:items], both[items:], informed=informed, seed=1_000 + number
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
    informed = name == "known_rate"
    thorough = search_all if informed or name == "forecast_refined" else search
    u, v, _ = thorough(task, RULES["forecast_pro_rata" if informed else name], informed=informed)
    return u, v


class TunedRule:
    """A rule at its tuned parameters, and the offsets that shift it away from them.

    Attributes:
        num_offsets: floats per item of a `shift`.
    """

    num_offsets = 2

    def __init__(self, task: ShopTask, name: str) -> None:
        self._task, self._rule = task, RULES[name](task)
        self.u, self.v = parameters(task, name)

    def __call__(self, observation: Array, shift: Array | None = None) -> Array:
        """Return actions; `shift`, (n, 2N), is added to u and v of every copy and item."""
        task, items = self._task, len(self.u)
        u, v = self.u, self.v
        if shift is not None:
            u, v = u + shift[:, :items], v + shift[:, items:]
        view = task.view(observation)
        return task.to_action(view, *self._rule(task, view, u, v))


def _baseline(name: str) -> Callable[[ShopTask], Policy]:
    if name == "holt_winters":  # it has a memory, which a second look would upset: no offsets
        return lambda task: TunedRule(task, name).__call__
    return lambda task: TunedRule(task, name)


def _known_rate(loop: Any) -> Policy:
    """Privileged: `within_storage` with the hidden rate in place of its estimate."""
    task = loop.task
    u, v = parameters(task, "known_rate")

    def act(observation: Array) -> Array:
        informed = view_of(task, loop.state, informed=True)
        point, top = within_storage(task, informed, u, v)
        return task.to_action(view_of(task, loop.state), point, top)

    return act


SHOP: Mapping[str, Callable[[Any], Policy]] = MappingProxyType({name: _baseline(name) for name in RULES})
PRIVILEGED: Mapping[str, Callable[[Any], Policy]] = MappingProxyType({"known_rate": _known_rate})
