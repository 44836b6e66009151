"""Matplotlib figures of a render's size, drawn without a display; matplotlib is imported with the first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def new_figure() -> Any:
    """Return an empty 640 x 480 figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def legend_above(axis: Any, *, columns: int = 5, size: float = 6.5) -> None:
    """Put the legend above the axes, where it hides no curve; without a labelled curve there is none."""
    if axis.get_legend_handles_labels()[0]:
        axis.legend(
            **{"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncol": columns, "fontsize": size},
            **{"frameon": False, "borderaxespad": 0, "handlelength": 1.2},
            **{"columnspacing": 0.8, "handletextpad": 0.4},
        )


def to_pixels(figure: Any) -> NDArray[np.uint8]:
    """Return the figure as (480, 640, 3) uint8."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
