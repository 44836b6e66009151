"""Reward terms of a day of a campaign."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.channel.dynamics import Outcome

TERMS = ("revenue", "expected", "idle")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return revenue, expected revenue and minus the money left over, (n,) each."""
    return {"revenue": outcome.revenue, "expected": outcome.expected, "idle": -outcome.idle}
