"""Run a policy and keep what a shop's log would keep, and what offline learners want."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.policies import end_notice
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.task import Task
from sb3_ecom.logs.policies import LoggingPolicy, catalogue_size
from sb3_ecom.logs.table import Log

_MOST_STEPS = 100_000
_AT_ONCE = 1000  # episodes that a table is recorded from


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Whole episodes of an id; row i of every array belongs to episode i, steps are axis 1.

    Steps after an episode's `length` hold nothing of it.
    """

    env_id: str
    observation: Array  # (episodes, steps + 1, d) float32
    action: Array  # (episodes, steps[, K])
    propensity: Array  # (episodes, steps[, K])
    slot_reward: Array  # (episodes, steps, K) reward by slot
    reward: Array  # (episodes, steps)
    terminated: Array  # (episodes,) bool: ended by itself
    length: Array  # (episodes,) steps
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # beside the id, as for gymnasium.make

    def table(self) -> Log:
        """Return the flat table of items shown; one impression per step."""
        episodes, steps, size = self.slot_reward.shape
        alive = np.arange(steps) < self.length[:, None]
        impression = np.arange(episodes * steps).reshape(episodes, steps)
        rows = np.broadcast_to(alive[..., None], self.slot_reward.shape)

        def column(values: Array) -> Array:
            return np.broadcast_to(values.reshape(episodes, steps, -1), self.slot_reward.shape)[rows]

        return Log(
            session=column(np.broadcast_to(np.arange(episodes)[:, None], (episodes, steps))),
            impression=column(impression),
            item=column(self.action),
            position=np.broadcast_to(np.arange(size), self.slot_reward.shape)[rows],
            propensity=column(self.propensity),
            reward=self.slot_reward[rows],
        )


def record(
    env_id: str,
    make_policy: Callable[[Task], LoggingPolicy],
    *,
    episodes: int = 100,
    seed: int = 0,
    **kwargs: Any,
) -> Interactions:
    """Run whole episodes of an id whose actions are items.

    Args:
        env_id: a registered id with Discrete(N) or MultiDiscrete([N] * K) actions.
        make_policy: makes the logging policy of a task, e.g. `UniformItems`.
        episodes: >= 1.
        seed: of the customers, >= 0.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Raises:
        ValueError: on an unknown id, another action space or fewer than 1 episode.
    """
    check_at_least("episodes", episodes, 1)
    task = make_task(env_id, **kwargs)
    catalogue_size(task.action_space)
    loop, policy = StepLoop(task, episodes), make_policy(task)
    tell_ended = end_notice(policy)
    rows: dict[str, list[Array]] = {"observation": [loop.reset(seed)]}
    length, terminated = np.zeros(episodes, dtype=np.int64), np.zeros(episodes, dtype=bool)
    for step in range(min(task.horizon, _MOST_STEPS)):
        action, propensity = policy(rows["observation"][-1])
        result = loop.step(np.asarray(action))
        observation = result.observation.copy()
        running = length == 0
        ended = result.rows[running[result.rows]]
        length[ended], terminated[ended] = step + 1, result.terminated[ended]
        following = result.observation.copy()
        following[result.rows] = result.final_observation
        kept = {"action": action, "propensity": propensity, "reward": result.reward, "final": following}
        kept["slot_reward"] = slot_reward(action, result)
        rows["observation"].append(observation)
        for name, values in kept.items():
            rows.setdefault(name, []).append(np.asarray(values))
        if result.rows.size:
            tell_ended(result.rows)
        if (length > 0).all():
            break
    stacked = {name: np.stack(values, axis=1) for name, values in rows.items()}
    final = stacked.pop("final")
    # The observation after the last step is the old episode's last, not the new one's first.
    stacked["observation"][np.arange(episodes), length] = final[np.arange(episodes), length - 1]
    return Interactions(
        env_id=env_id, **stacked, terminated=terminated, length=length, env_kwargs=dict(kwargs)
    )


def record_table(
    env_id: str,
    make_policy: Callable[[Task], LoggingPolicy],
    *,
    episodes: int = 1000,
    seed: int = 0,
    **kwargs: Any,
) -> Log:
    """Run whole episodes as `record` does and keep the flat table alone: observations need far more room.

    Args:
        env_id: a registered id with Discrete(N) or MultiDiscrete([N] * K) actions.
        make_policy: makes the logging policy of a task; once per thousand episodes.
        episodes: >= 1; each is a `session` of the table.
        seed: of the customers, >= 0.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Raises:
        ValueError: as `record` does.
    """
    check_at_least("episodes", episodes, 1)
    parts: dict[str, list[Array]] = {column.name: [] for column in fields(Log)}
    impressions = 0
    for chunk, start in enumerate(range(0, episodes, _AT_ONCE)):
        customers = int(np.random.SeedSequence([seed, chunk]).generate_state(1)[0])
        count = min(_AT_ONCE, episodes - start)
        log = record(env_id, make_policy, episodes=count, seed=customers, **kwargs).table()
        moved = {"session": log.session + start, "impression": log.impression + impressions}
        impressions += int(log.impression.max()) + 1
        for name, rows in parts.items():
            rows.append(moved.get(name, getattr(log, name)))
    return Log(**{name: np.concatenate(rows) for name, rows in parts.items()})


def slot_reward(action: Array, result: Transition) -> Array:
    """Return (n, K) reward by slot: clicks where the task reports them, else the reward of the one slot.

    Raises:
        ValueError: if a page of several slots does not report its clicks.
    """
    page = np.asarray(action).reshape(len(action), -1)
    clicked = result.step_info.get("clicked")
    if page.shape[1] == 1:
        return np.asarray(result.reward, dtype=np.float64)[:, None]
    if clicked is None:
        raise ValueError("a page of several slots needs a task that reports 'clicked'")
    clicked = np.asarray(clicked)
    if clicked.ndim == 2:
        return clicked.astype(np.float64)
    shown = np.asarray(result.step_info.get("slate", page))  # the item clicked, -1 for none
    return ((shown == clicked[:, None]) & (clicked >= 0)[:, None]).astype(np.float64)
