"""Reward terms of a page."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.targeting.dynamics import Outcome
from sb3_ecom.envs.advertising.targeting.params import TargetParams

TERMS = ("clicks", "price")


def reward_terms(outcome: Outcome, params: TargetParams) -> dict[str, Array]:
    """Return clicks and minus the price of impressions, (n,) each."""
    return {"clicks": outcome.clicked, "price": outcome.shown * (-params.price)}
