"""The log bid multiplier that an action changes: one rule for EcomAds and EcomAdsAuto."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_choice

Control = Literal["incremental", "absolute"]


class BidMultiplier(NamedTuple):
    """Effect of an action in [-1, 1] on a log bid multiplier."""

    limit: float  # it stays within +- this; an absolute action of 1 sets it there
    step: float  # change per unit of an incremental action
    control: Control

    def apply(self, log_multiplier: Array, action: Array) -> Array:
        """Return the log multipliers after the actions; shapes broadcast."""
        xp = array_namespace(action)
        if self.control == "incremental":
            target = log_multiplier + self.step * action
        else:
            target = self.limit * action
        return xp.clip(target, -self.limit, self.limit)

    def action_to(self, log_multiplier: Array, target: Array) -> Array:
        """Return the float32 actions that set `target`, or move there as fast as they may."""
        xp = array_namespace(target)
        if self.control == "incremental":
            action = (target - log_multiplier) / self.step
        else:
            action = target / self.limit
        return xp.astype(xp.clip(action, -1.0, 1.0), xp.float32)


def check_control(control: str) -> None:
    """Raise ValueError unless `control` is a known control."""
    check_choice("control", control, get_args(Control))
