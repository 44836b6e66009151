"""Optimal echelon base-stock policy of a serial system."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.inventory.serial.baselines import echelon_orders, to_policy
from sb3_ecom.envs.inventory.serial.clark_scarf import optimal_levels
from sb3_ecom.envs.inventory.serial.env import SerialTask

_RARE = 1.0001e-4  # chance of a demand beyond the largest order that leaves the optimum as it is


def oracle(task: SerialTask) -> Oracle:
    """Return the optimal average reward of one period, with the policy that attains it.

    Echelon base stock is optimal where a stage may order as much as was sold. Where `max_order` is often
    less, the cost without a limit is a bound that nobody attains.
    """
    params = task.weighted_params()
    levels, cost = optimal_levels(params)
    if params.pmf()[params.order_limit + 1 :].sum() > _RARE:
        return Oracle(
            kind="bound",
            value=-cost,
            stderr=0.0,
            information="the demand law; stock, debts and units in transit; relaxed: orders without a limit",
        )

    def make(loop: Any) -> Policy:
        return to_policy(loop.task, echelon_orders(loop.task.params, levels))

    return Oracle(
        kind="optimal",
        value=-cost,
        stderr=0.0,
        information="the demand law; stock, debts and units in transit of every stage",
        policy=make,
    )
