"""Reward terms of a period of a season."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.pricing.season.dynamics import Outcome

TERMS = ("revenue", "salvage", "unmet")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return revenue, salvage and minus the money of unmet demand, (n,) each."""
    return {"revenue": outcome.revenue, "salvage": outcome.salvage, "unmet": -outcome.unmet}
