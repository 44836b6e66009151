"""Names of the floats that a bidder sees and gives."""

from __future__ import annotations

from sb3_ecom.core.feature_names import FeatureNames

_CONTEXT = (
    *("sine of the time", "cosine of the time", "share of the day left", "share of the traffic left"),
    *("share of the budget left", "log budget", "log multiplier", "budget left over traffic left"),
)
_TICK = (
    *("validity", "log multiplier", "log traffic", "win rate", "log spend", "log price paid"),
    *("conversions", "conversions at neutral quality"),
)
PACING_NAMES = FeatureNames(_CONTEXT, _TICK, event="tick", action=("log multiplier",))
