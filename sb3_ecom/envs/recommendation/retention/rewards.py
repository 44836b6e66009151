"""Reward terms of EcomRecRetain."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.retention.dynamics import Outcome

TERMS = ("clicks", "margin", "visits")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return clicks, margin and visits, (n,) each."""
    xp = array_namespace(outcome.total)
    return {"clicks": outcome.total, "margin": outcome.margin, "visits": xp.ones_like(outcome.total)}
