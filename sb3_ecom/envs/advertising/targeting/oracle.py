"""The exact plan for a visitor whose type is known: no policy that must guess the type earns more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.advertising.targeting.baselines import read
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.planning import fatigue_code
from sb3_ecom.envs.advertising.targeting.planning import solve as solve_visit


def solve(**kwargs: Any) -> Oracle:
    """Return the mean over types of the exact values."""
    params = TargetTask(**kwargs).params
    values = [float(solve_visit(rates, params).value) for rates in params.click_rates()]
    return Oracle(
        kind="bound",
        value=float(np.mean(values)),
        stderr=0.0,
        information="the visitor's hidden type",
        policy=oracle_policy,
    )


def oracle_policy(loop: StepLoop) -> Policy:
    """Follow the exact plan for the true type."""
    task = loop.task
    if not isinstance(task, TargetTask):
        raise ValueError(f"the informed policy needs EcomAdsTarget, got {type(task).__name__}")
    plans = np.stack([solve_visit(rates, task.params).action for rates in task.params.click_rates()])

    def choose(observation: NDArray[np.float32]) -> NDArray[np.int64]:
        seen = read(task, observation)
        code = fatigue_code(seen.fatigue, task.params.fatigue_levels)
        page = np.minimum(seen.page, task.params.pages - 1)
        return np.asarray(plans[loop.state.kind, page, seen.left, code], dtype=np.int64)

    return choose
