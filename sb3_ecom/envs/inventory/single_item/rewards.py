"""Costs of one period of a single item."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.arithmetic import any_units
from sb3_ecom.envs.inventory.single_item.dynamics import Outcome

TERMS = ("holding", "penalty", "ordering")


def holding_and_penalty(left: Array, unmet: Array, prices: Any) -> tuple[Array, Array]:
    """Return the cost of units left over and that of unmet demand; units may be expected ones.

    `prices` has the fields holding_cost and penalty: the public tables (arrays, which NumPy multiplies
    faster) or `SingleItemParams` (numbers).
    """
    return left * prices.holding_cost, unmet * prices.penalty


def ordering(order: Array, prices: Any) -> Array:
    """Return the cost of orders: `prices.fixed_cost` where any unit is ordered."""
    return any_units(order) * prices.fixed_cost


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs of a period, (n,) each."""
    holding, penalty = holding_and_penalty(outcome.left, outcome.unmet, prices)
    return {"holding": -holding, "penalty": -penalty, "ordering": -ordering(outcome.order, prices)}
