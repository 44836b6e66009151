"""The best month that the binned plan finds, with the satisfaction in sight."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
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
    """Return the plan's return, simulated.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    only_weight(task, "clicks")
    information = "the customer's satisfaction; best over mixes of relevance and bait on a grid"
    return simulate_oracle(task, planner, "best-known", information, _EPISODES)
