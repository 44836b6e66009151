"""Costs of one period of a serial chain."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.serial.dynamics import Outcome

TERMS = ("holding", "penalty")


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs of stock at every stage and in transit, and of backlog, (n,) each.

    `prices` are the public tables: holding (stages,), and penalty, cost/unit/period.
    """
    return {
        "holding": -(outcome.held @ prices.holding),
        "penalty": -(outcome.backlog * prices.penalty),
    }
