"""Reward terms of a tick."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.pacing.dynamics import Outcome
from sb3_ecom.envs.advertising.pacing.params import PacingParams

TERMS = ("conversions", "cost", "expected")


def reward_terms(outcome: Outcome, params: PacingParams) -> dict[str, Array]:
    """Return conversions, minus the cost over the median price, and expected conversions, (n,) each."""
    cost = outcome.spend * (-1.0 / params.price_median)
    return {"conversions": outcome.conversions, "cost": cost, "expected": outcome.expected}
