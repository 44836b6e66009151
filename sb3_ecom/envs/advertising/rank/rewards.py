"""Reward terms of a platform's day."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.rank.dynamics import Outcome

TERMS = ("revenue", "expected", "welfare", "relevance")


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return revenue, counted and expected, welfare and relevance, (n,) each."""
    return {name: getattr(outcome, name) for name in TERMS}
