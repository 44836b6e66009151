"""Picture of a visit: a bar of clicks for every banner."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.rendering import Canvas, text_bar
from sb3_ecom.core.tracker import State

from .params import BannerParams


def render(params: BannerParams, tables: Any, state: State, outcome: Any, row: int, mode: str) -> Any:
    """Return a (480, 640, 3) uint8 picture or a text of copy `row`."""
    clicks = [float(count) for count in state.tracked.clicks[row]]
    if mode == "ansi":
        return "\n".join(f"banner {i}: {text_bar(c / params.horizon)}" for i, c in enumerate(clicks))
    canvas = Canvas()
    for i, count in enumerate(clicks):
        canvas.text(20, 40 + 60 * i, f"banner {i}")
        canvas.bar((120, 40 + 60 * i, 600, 70 + 60 * i), count / params.horizon, "#2f7d62")
    return canvas.pixels()
