"""Reward terms of EcomRecBored."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.boredom.dynamics import Outcome

TERMS = ("clicks",)


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return clicks, (n,)."""
    return {"clicks": outcome.total}
