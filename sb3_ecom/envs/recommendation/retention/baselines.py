"""Mixes of relevance and bait, from observations."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.retention import planning
from sb3_ecom.envs.recommendation.retention.dynamics import after_visit, experience_of
from sb3_ecom.envs.recommendation.retention.env import RetentionTask


def mixed_page(intent: Array, angle: Array) -> Array:
    """Return (n, 3) weights: cos(angle) on the intent, sin(angle) on bait."""
    relevance, bait = np.cos(angle), np.sin(angle)
    return np.concatenate([relevance[:, None] * intent, bait[:, None]], axis=1).astype(np.float32)


def steady(task: RetentionTask, angle: float) -> Policy:
    """Mix in the same way always."""
    return lambda observation: mixed_page(observation[:, :2], np.full(len(observation), angle))


def relevance_only(task: RetentionTask) -> Policy:
    """Show what fits the intent; bait is ignored."""
    return steady(task, 0.0)


def myopic(task: RetentionTask) -> Policy:
    """Show what is likeliest to be clicked now: relevance and bait as the click model weighs them."""
    return steady(task, float(np.arctan2(task.params.bait, task.params.relevance)))


def best_steady(task: RetentionTask) -> Policy:
    """Mix in the one way that sells most over a month, found by simulation."""
    from sb3_ecom.core.evaluate import run_episodes
    from sb3_ecom.core.loop import StepLoop

    loop = StepLoop(task, 512)
    returns = [run_episodes(loop, steady(task, angle), 1)["reward"].mean() for angle in planning.ANGLES[::2]]
    return steady(task, float(planning.ANGLES[::2][int(np.argmax(returns))]))


def planned(task: RetentionTask, memory: int | None = None) -> Policy:
    """Follow the plan for the satisfaction that the last visits tell; older ones are forgotten.

    The clicked items' relevance and bait are observed, so that ten visits tell nearly all; with ``memory=1``
    the policy knows the last visit only.
    """
    plan, p = planning.solve(task.params), task.params

    def choose(observation: Array) -> Array:
        context, history = task.layout.split(observation.astype(np.float64))
        satisfaction = np.full(len(observation), p.start)
        for row in np.moveaxis(history if memory is None else history[:, -memory:], 1, 0):
            pleased = experience_of(row[:, 1], row[:, 2], row[:, 3], p)
            moved = after_visit(satisfaction, pleased, p)
            satisfaction = np.where(row[:, 0] > 0.5, moved, satisfaction)
        day = np.rint(context[:, 2] * p.days)
        return mixed_page(observation[:, :2], planning.best_angle(plan, day, satisfaction))

    return choose


def planned_last_visit(task: RetentionTask) -> Policy:
    """Follow the plan for the satisfaction that the last visit alone tells."""
    return planned(task, memory=1)
