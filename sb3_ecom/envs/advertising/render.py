"""Parts that the pictures of all advertising tasks share."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Floats


def plot_budget_left(axis: Any, hours: Floats, spend: Floats, traffic_left: Floats) -> None:
    """Plot the share of the budget that is left after (k,) shares spent, beside the mean traffic left."""
    axis.plot(np.append(0, hours), 1 - np.append(0, np.cumsum(spend)), label="budget left")
    ends = np.linspace(0, 24, len(traffic_left))
    axis.plot(ends, traffic_left, "--", color="gray", label="mean traffic left")
    axis.set(ylabel="share", ylim=(-0.02, 1.02))
