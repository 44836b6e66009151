"""Costs of one period with two suppliers."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Outcome

TERMS = ("regular", "express", "holding", "penalty")


def costs(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the costs of a period by reward term, (n,) each; units may be expected ones.

    `prices` has the fields regular_cost, express_cost, holding_cost and penalty: the public tables (arrays,
    which NumPy multiplies faster) or `DualSourcingParams` (numbers).
    """
    return {
        "regular": outcome.regular * prices.regular_cost,
        "express": outcome.express * prices.express_cost,
        "holding": outcome.left * prices.holding_cost,
        "penalty": outcome.waiting * prices.penalty,
    }


def total_cost(by_term: dict[str, Array]) -> Array:
    """Return the cost of a period, (n,)."""
    return by_term["regular"] + by_term["express"] + by_term["holding"] + by_term["penalty"]


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs, (n,) each."""
    return {term: -cost for term, cost in costs(outcome, prices).items()}
