"""Optimal echelon base-stock policy of a serial system."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.inventory.serial.baselines import echelon_orders, to_policy
from sb3_ecom.envs.inventory.serial.clark_scarf import optimal_levels
from sb3_ecom.envs.inventory.serial.env import SerialTask


def oracle(task: SerialTask) -> Oracle:
    """Return the optimal average reward of one period, with the policy that attains it."""
    levels, cost = optimal_levels(task.params)

    def make(loop: Any) -> Policy:
        return to_policy(loop.task, echelon_orders(loop.task.params, levels))

    return Oracle(
        kind="optimal",
        value=-cost,
        stderr=0.0,
        information="the demand law; stock, debts and units in transit of every stage",
        policy=make,
    )
