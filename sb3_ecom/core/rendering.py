"""Render modes, and a canvas of text, panels, bars and lines (Pillow)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import show

Colour = str | tuple[int, int, int]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom in pixels

_SMALLEST = 9  # font size at which a name is still read
INK, FADED, LINE, PAPER, WHITE = "#222b33", "#74808a", "#d5dade", "#f2f4f5", "#ffffff"


def check_render_mode(mode: str | None, known: Sequence[str]) -> None:
    """Raise ValueError unless `mode` is None or one of the known ones."""
    if mode is not None and not (isinstance(mode, str) and mode in known):
        raise ValueError(f"render_mode must be one of {', '.join(known)} or None, got {show(mode)}")


def text_bar(share: float, width: int = 20) -> str:
    """Return a bar of `width` characters, filled for a share in [0, 1]."""
    filled = round(width * min(max(share, 0.0), 1.0))
    return "#" * filled + "." * (width - filled)


class Canvas:
    """A picture to draw on; coordinates are pixels from the top left corner.

    Pillow is imported with the first canvas only, and needs neither a display nor a font file.

    Args:
        width: pixels.
        height: pixels.
        background: colour of the whole picture.
    """

    def __init__(self, width: int = 640, height: int = 480, background: Colour = PAPER) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (width, height), background)
        self._draw = ImageDraw.Draw(self._image)

    def pixels(self) -> Array:
        """Return the picture as (height, width, 3) uint8."""
        return np.array(self._image)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 13,
        colour: Colour = INK,
        anchor: str = "la",
        width: float | None = None,
        name: bool = False,
    ) -> None:
        """Write one line; `anchor` is Pillow's.

        What would not fit into `width` is cut at its end. A `name` is written smaller first and then loses
        its front: the end of an article number is what tells it from others.
        """
        while name and width is not None and size > _SMALLEST and _font(size).getlength(words) > width:
            size -= 1
        font = _font(size)
        if width is not None and font.getlength(words) > width:
            while words and font.getlength(words + "…") > width:
                words = words[1:] if name else words[:-1]
            words = f"…{words}" if name else f"{words}…"
        self._draw.text((x, y), words, fill=colour, font=font, anchor=anchor)

    def panel(
        self,
        box: Rectangle,
        title: str = "",
        *,
        fill: Colour | None = WHITE,
        edge: Colour = LINE,
        thickness: int = 1,
    ) -> None:
        """Draw a box with round corners and an optional title in its first line."""
        self._draw.rounded_rectangle(box, radius=6, fill=fill, outline=edge, width=thickness)
        if title:
            self.text(box[0] + 10, box[1] + 7, title, size=13, colour=FADED)

    def rectangle(self, box: Rectangle, fill: Colour | None = None, edge: Colour | None = None) -> None:
        """Draw a plain rectangle."""
        self._draw.rectangle(box, fill=fill, outline=edge)

    def polygon(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(list(points), fill=fill)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour = INK, thickness: int = 1) -> None:
        """Draw a line through the points."""
        self._draw.line(list(points), fill=colour, width=thickness, joint="curve")

    def bar(self, box: Rectangle, share: float, colour: Colour) -> None:
        """Fill a track from the left for a share in [0, 1] (cut to it)."""
        left, top, right, bottom = box
        self._draw.rectangle(box, fill="#e6eaec")
        share = min(max(share, 0.0), 1.0)
        if share > 0:
            self._draw.rectangle((left, top, left + share * (right - left), bottom), fill=colour)

    def paste(self, picture: Any, x: int, y: int) -> None:
        """Lay a Pillow RGBA picture over the canvas."""
        self._image.paste(picture, (x, y), picture)


@lru_cache(maxsize=32)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
