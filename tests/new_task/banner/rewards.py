"""Reward of the banner task: clicks."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array

from .dynamics import Outcome

TERMS = ("clicks",)


def reward_terms(outcome: Outcome) -> dict[str, Array]:
    """Return the named reward terms."""
    return {"clicks": outcome.clicked}
