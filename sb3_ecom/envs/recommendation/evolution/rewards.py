"""Reward terms of EcomRecEvolution."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.evolution.dynamics import Outcome

TERMS = ("watched", "clicks")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return minutes watched and clicks, (n,) each."""
    return {"watched": outcome.watched, "clicks": outcome.clicked}
