"""The exact plan for a visitor whose type is known: no policy that must guess the type earns more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.advertising.targeting.baselines import unscale
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.planning import fatigue_code, solve


def oracle(task: TargetTask) -> Oracle:
    """Return the mean over types of the exact values."""
    params = task.params
    values = [float(solve(rates, params).value) for rates in params.click_rates()]
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
        raise ValueError(f"the oracle policy needs EcomAdsTarget, got {type(task).__name__}")
    plans = np.stack([solve(rates, task.params).action for rates in task.params.click_rates()])

    def choose(observation: NDArray[np.float32]) -> NDArray[np.int64]:
        observed = unscale(task, observation)
        code = fatigue_code(observed.fatigue, task.params.fatigue_levels)
        page = np.minimum(observed.page, task.params.pages - 1)
        visitor_type = loop.state.hidden.visitor_type
        return np.asarray(plans[visitor_type, page, observed.impressions_left, code], dtype=np.int64)

    return choose
