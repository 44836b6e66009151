"""Turn a matplotlib figure into the picture that `render` returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def new_figure() -> Any:
    """Return an empty 640 x 480 figure that needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")


def to_picture(figure: Any) -> NDArray[np.uint8]:
    """Return the figure as (480, 640, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
