"""Pages that a policy served, as rows for fits: features of what was shown, clicks, what followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.evaluate import chunks
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.policies import end_notice
from sb3_ecom.core.registry import Policy, make_task
from sb3_ecom.core.task import Task
from sb3_ecom.logs.recorder import slot_reward
from sb3_ecom.logs.supervised.views import View, view_of


@dataclass(frozen=True, kw_only=True)
class ServedPages:
    """P pages; whole visits, of which nothing but observations, pages and rewards was seen."""

    context: Array  # (P, c) float32
    shown: Array  # (P, K, f) float32, features of the items; 0 in an empty slot
    filled: Array  # (P, K) bool
    reward: Array  # (P, K) of each slot
    later: Array  # (P,) reward of the pages that followed in the visit

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self.later)


Chooser = Callable[[Array], Array]  # observations -> (n, K) items


def serve_pages(
    env_id: str, make: Callable[[Task, View], Chooser], *, episodes: int, seed: int = 0, **kwargs: Any
) -> ServedPages:
    """Serve whole visits and keep what the fits need.

    Args:
        env_id: a recommendation id.
        make: (task, view) -> policy that chooses items, such as `explore` makes.
        episodes: visits, >= 1.
        seed: of the visitors.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Raises:
        ValueError: on an id without items.
    """
    check_at_least("episodes", episodes, 1)
    task = make_task(env_id, **kwargs)
    view = view_of(task)
    parts = [_serve(task, view, make(task, view), copies, s) for copies, s in chunks(episodes, seed)]
    return join_pages(parts)


def join_pages(parts: list[ServedPages]) -> ServedPages:
    """Return all pages as one log."""
    names = [field.name for field in fields(ServedPages)]
    return ServedPages(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _serve(task: Task, view: View, choose: Chooser, n: int, seed: int) -> ServedPages:
    loop, rows = StepLoop(task, n), []
    observation, alive = loop.reset(seed), np.ones(n, dtype=bool)
    tell_ended = end_notice(choose)
    while alive.any():
        items = np.asarray(choose(observation))
        page = {
            "context": view.context(observation).astype(np.float32),
            "shown": view.pairs(observation, items).astype(np.float32),
            "filled": items >= 0,
            "kept": alive & view.asked(observation),
        }
        result = loop.step(view.action(observation, items))
        page["reward"] = _slot_rewards(items, result)
        page["total"] = np.where(alive, result.reward, 0.0)
        rows.append(page)
        observation = result.observation
        alive = alive.copy()
        alive[result.rows] = False
        if result.rows.size:
            tell_ended(result.rows)
    totals = np.stack([page["total"] for page in rows])  # (T, n)
    later = np.cumsum(totals[::-1], axis=0)[::-1] - totals
    kept = np.stack([page["kept"] for page in rows])
    columns = {
        name: np.concatenate([page[name][mask] for page, mask in zip(rows, kept, strict=True)])
        for name in ("context", "shown", "filled", "reward")
    }
    return ServedPages(**columns, later=later[kept])


def _slot_rewards(items: Array, result: Transition) -> Array:
    if items.shape[1] == 1:
        return np.asarray(result.reward, dtype=np.float64)[:, None]
    return slot_reward(items, result)


def uniform(task: Task, view: View, seed: int = 0) -> Chooser:
    """Return the policy that shows K different items, all pages equally likely."""
    generator = np.random.default_rng(seed)

    def choose(observation: Array) -> Array:
        count = view.scores(observation[:1], _zeros(view, observation)).shape[1]
        keys = generator.random((len(observation), count), dtype=np.float32)
        page = np.argpartition(keys, view.size - 1, axis=1)[:, : view.size]
        return np.take_along_axis(page, generator.random(page.shape).argsort(axis=1), axis=1)

    return choose


def explore(chooser: Chooser, anything: Chooser, share: float, seed: int = 0) -> Chooser:
    """Return a policy that fills each slot of a chooser's page with any item at a chance of `share`.

    A repeat, or an item that can not be shown, leaves its slot empty, as in the task.
    """
    generator = np.random.default_rng([seed, 7])

    def choose(observation: Array) -> Array:
        wish, strange = chooser(observation), anything(observation)
        return np.where(generator.random(wish.shape) < share, strange, wish)

    return choose


def _zeros(view: View, observation: Array) -> Array:
    first = np.zeros((1, view.size), dtype=np.int64)
    return np.zeros(view.pairs(observation[:1], first).shape[-1], dtype=np.float32)


def as_policy(view: View, chooser: Chooser) -> Policy:
    """Return the chooser as `sb3_ecom.evaluate` takes a policy: its actions are the task's own."""
    return lambda observation: view.action(observation, chooser(observation))
