"""Reward terms of EcomRecOrganic."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.organic_browsing.dynamics import Outcome

TERMS = ("clicks",)


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return clicks, (n,)."""
    return {"clicks": outcome.clicked}
