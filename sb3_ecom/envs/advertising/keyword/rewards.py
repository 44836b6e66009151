"""Reward terms of a day of bids."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.keyword.dynamics import Outcome

TERMS = ("revenue", "cost", "clicks", "conversions")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return revenue, minus cost, clicks and conversions, (n,) each."""
    return {
        "revenue": outcome.revenue,
        "cost": -outcome.cost,
        "clicks": outcome.clicks,
        "conversions": outcome.conversions,
    }
