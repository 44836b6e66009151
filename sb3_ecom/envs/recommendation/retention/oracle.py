"""The best month that the binned plan finds, with the satisfaction in sight."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.retention import planning
from sb3_ecom.envs.recommendation.retention.baselines import mixed_page
from sb3_ecom.envs.recommendation.retention.env import RetentionTask

_EPISODES = 4096


def planner(loop: StepLoop) -> Policy:
    """See the satisfaction, and follow the plan."""
    task: Any = loop.task
    plan = planning.solve(task.params)

    def choose(observation: Array) -> Array:
        state = loop.state.hidden
        return mixed_page(state.intent, planning.best_angle(plan, state.day, state.satisfaction))

    return choose


def oracle(task: RetentionTask) -> Oracle:
    """Return the plan's return, simulated."""
    loop = StepLoop(task, _EPISODES)
    returns = run_episodes(loop, planner(loop), seed=0)["reward"]
    return Oracle(
        kind="best-known",
        value=float(returns.mean()),
        stderr=float(returns.std(ddof=1) / np.sqrt(returns.size)),
        information="the customer's satisfaction; best over mixes of relevance and bait on a grid",
        policy=planner,
    )
