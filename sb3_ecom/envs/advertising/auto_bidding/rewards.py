"""Reward terms of a tick."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.auto_bidding.dynamics import Outcome
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams

TERMS = ("score", "counted_score", "final_score", "conversions", "cost")


def reward_terms(outcome: Outcome, params: AutoParams) -> dict[str, Array]:
    """Return the scores, conversions and minus the cost over the middle target, (n,) each."""
    middle = (params.target_low + params.target_high) / 2
    return {
        "score": outcome.score,
        "counted_score": outcome.counted_score,
        "final_score": outcome.final_score,
        "conversions": outcome.conversions,
        "cost": outcome.spend * (-1.0 / middle),
    }
