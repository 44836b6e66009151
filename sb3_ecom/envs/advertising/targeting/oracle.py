"""The exact plan for a visitor whose type is known: no policy that must guess the type earns more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.advertising.targeting.baselines import unscale
from sb3_ecom.envs.advertising.targeting.env import TargetTask
from sb3_ecom.envs.advertising.targeting.params import TargetParams
from sb3_ecom.envs.advertising.targeting.planning import fatigue_code, solve


def weighted_params(task: TargetTask) -> tuple[TargetParams, float]:
    """Return the parameters at the price per click's worth that the reward charges, and what a click pays.

    Raises:
        ValueError: if the reward does not pay clicks, or pays for impressions.
    """
    click, price = (task.reward_weights.get(term, 0.0) for term in ("clicks", "price"))
    if not (click > 0 and price >= 0):
        raise ValueError(
            "reward_weights must pay clicks, > 0, and charge the price, >= 0, for an oracle; "
            f"got {dict(task.reward_weights)}"
        )
    return replace(task.params, price=task.params.price * price / click), click


def oracle(task: TargetTask) -> Oracle:
    """Return the mean over types of the exact values.

    Raises:
        ValueError: if the reward pays anything but clicks, and the price at any weight >= 0.
    """
    params, weight = weighted_params(task)
    values = [float(solve(rates, params).value) for rates in params.click_rates()]
    return Oracle(
        kind="bound",
        value=weight * float(np.mean(values)),
        stderr=0.0,
        information="the visitor's hidden type",
        policy=oracle_policy,
    )


def oracle_policy(loop: StepLoop) -> Policy:
    """Follow the exact plan for the true type."""
    task = loop.task
    if not isinstance(task, TargetTask):
        raise ValueError(f"the oracle policy needs EcomAdsTarget, got {type(task).__name__}")
    params, _ = weighted_params(task)
    plans = np.stack([solve(rates, params).action for rates in params.click_rates()])

    def choose(observation: NDArray[np.float32]) -> NDArray[np.int64]:
        observed = unscale(task, observation)
        code = fatigue_code(observed.fatigue, task.params.fatigue_levels)
        page = np.minimum(observed.page, task.params.pages - 1)
        visitor_type = loop.state.hidden.visitor_type
        return np.asarray(plans[visitor_type, page, observed.impressions_left, code], dtype=np.int64)

    return choose
