"""Costs of one period of an item that spoils."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome

TERMS = ("ordering", "holding", "penalty", "waste")


def costs(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the costs of a period by reward term, (n,) each.

    `prices` has the fields order_cost, holding_cost, penalty and waste_cost: the public tables (arrays, which
    NumPy multiplies faster) or `PerishableParams` (numbers).
    """
    return {
        "ordering": outcome.order * prices.order_cost,
        "holding": outcome.kept * prices.holding_cost,
        "penalty": outcome.lost * prices.penalty,
        "waste": outcome.wasted * prices.waste_cost,
    }


def total_cost(by_term: dict[str, Array]) -> Array:
    """Return the cost of a period, (n,)."""
    return by_term["ordering"] + by_term["holding"] + by_term["penalty"] + by_term["waste"]


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs, (n,) each."""
    return {term: -cost for term, cost in costs(outcome, prices).items()}
