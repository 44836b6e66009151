"""Pictures and texts of a warehouse; matplotlib is imported only when one is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

_COLOURS = {
    "unmet": "tab:red",
    "lost": "tab:red",
    "wasted": "tab:brown",
    "sales": "tab:green",
    "under way": "lightsteelblue",
    "due in": "lightsteelblue",
}


def outcome_bars(outcome: Any | None, row: int, names: Iterable[str]) -> dict[str, float]:
    """Return the (n,) fields `names` of the last period's outcome for copy `row`; none before a first."""
    return {} if outcome is None else {name: float(getattr(outcome, name)[row]) for name in names}


def draw_bars(title: str, values: Mapping[str, float], mode: str) -> Any:
    """Draw one bar per quantity, in units.

    Returns a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi").
    """
    if mode == "ansi":
        longest = max(max(map(abs, values.values())), 1.0)
        rows = [f"{n:>16} {v:8.0f} {'#' * round(40 * abs(v) / longest)}" for n, v in values.items()]
        return "\n".join([title, "-" * 66, *rows])
    figure = new_figure()
    axes = figure.add_subplot()
    names = list(values)
    colours = [next((c for k, c in _COLOURS.items() if k in name), "tab:blue") for name in names]
    axes.barh(names, list(values.values()), color=colours)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_title(title)
    axes.set_xlabel("units")
    return to_pixels(figure)


def new_figure() -> Any:
    """Return an empty 640 x 480 figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_pixels(figure: Any) -> Any:
    """Return the figure as (480, 640, 3) uint8."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
