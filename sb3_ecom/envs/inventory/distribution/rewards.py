"""Costs of one period of a warehouse and its retailers."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.distribution.dynamics import Outcome

TERMS = ("warehouse", "holding", "penalty")


def warehouse_cost(kept: Array, prices: Any) -> Array:
    """Return the cost of units that stay in the warehouse; `prices` are `DistributionParams`."""
    return kept * prices.warehouse_holding


def retailer_costs(left: Array, unmet: Array, prices: Any) -> tuple[Array, Array]:
    """Return the cost of units left at retailers and that of unmet demand; units may be expected ones."""
    return left * prices.retailer_holding, unmet * prices.penalty


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs of a period, (n,) each."""
    xp = array_namespace(outcome.kept)
    left, unmet = xp.sum(outcome.left, axis=1), xp.sum(outcome.unmet, axis=1)
    holding, penalty = retailer_costs(left, unmet, prices)
    return {"warehouse": -warehouse_cost(outcome.kept, prices), "holding": -holding, "penalty": -penalty}
