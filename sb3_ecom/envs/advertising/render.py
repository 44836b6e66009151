"""Parts that the pictures of all advertising tasks share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats


def new_figure() -> Any:
    """Return an empty 640 x 480 figure that needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")


def plot_budget_left(axis: Any, hours: Floats, spend: Floats, traffic_left: Floats) -> None:
    """Plot the share of the budget that is left after (k,) shares spent, beside the mean traffic left."""
    axis.plot(np.append(0, hours), 1 - np.append(0, np.cumsum(spend)), label="budget left")
    ends = np.linspace(0, 24, len(traffic_left))
    axis.plot(ends, traffic_left, "--", color="gray", label="mean traffic left")
    axis.set(ylabel="share", ylim=(-0.02, 1.02))


def to_picture(figure: Any) -> NDArray[np.uint8]:
    """Return the figure as (480, 640, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
