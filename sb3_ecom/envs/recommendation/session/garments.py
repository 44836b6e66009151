"""Pictograms of a catalogue: a shape per category, a colour per taste."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.params import Catalogue

_FINER = 4  # drawn this much larger and scaled down: smooth edges

# Outlines in a unit square, y down; the categories take them in turn.
_TROUSERS = ((0.30, 0.06), (0.70, 0.06), (0.80, 0.95), (0.57, 0.95), (0.50, 0.40), (0.43, 0.95), (0.20, 0.95))
_SKIRT = ((0.35, 0.12), (0.65, 0.12), (0.90, 0.90), (0.10, 0.90))
_BLOUSE = (
    *((0.32, 0.12), (0.42, 0.08), (0.50, 0.18), (0.58, 0.08), (0.68, 0.12), (0.97, 0.42), (0.82, 0.55)),
    *((0.71, 0.43), (0.71, 0.93), (0.29, 0.93), (0.29, 0.43), (0.18, 0.55), (0.03, 0.42)),
)
_DRESS = (
    *((0.36, 0.05), (0.43, 0.05), (0.50, 0.20), (0.57, 0.05), (0.64, 0.05), (0.66, 0.40)),
    *((0.88, 0.95), (0.12, 0.95), (0.34, 0.40)),
)
_OUTLINES = (_TROUSERS, _SKIRT, _BLOUSE, _DRESS)


def item_colours(catalogue: Catalogue) -> list[tuple[int, int, int]]:
    """Return one RGB colour per item; items that please the same visitors look alike.

    The first two principal components of `item_factors` set the hue, the third the brightness.
    """
    factors = catalogue.item_factors - catalogue.item_factors.mean(0)
    axes = np.linalg.svd(factors, full_matrices=False)[2][:3]
    parts = np.zeros((catalogue.size, 3))
    parts[:, : len(axes)] = factors @ axes.T
    hue = np.arctan2(parts[:, 1], parts[:, 0]) / (2 * np.pi) % 1.0
    bright = 0.62 + 0.28 * _rank(parts[:, 2])
    strong = 0.35 + 0.40 * _rank(np.hypot(parts[:, 0], parts[:, 1]))
    colours = (colorsys.hsv_to_rgb(h, s, v) for h, s, v in zip(hue, strong, bright, strict=True))
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in colours]


@lru_cache(maxsize=4096)
def garment(category: int, colour: tuple[int, int, int], size: int) -> Any:
    """Return the pictogram as a Pillow RGBA picture of `size` x `size` pixels."""
    from PIL import Image, ImageDraw

    big = size * _FINER
    picture = Image.new("RGBA", (big, big), (*colour, 0))
    draw = ImageDraw.Draw(picture)
    points = [(x * big, y * big) for x, y in _OUTLINES[category % len(_OUTLINES)]]
    draw.polygon(points, fill=(*colour, 255))
    edge = (*(int(0.6 * part) for part in colour), 255)
    draw.line([*points, points[0]], fill=edge, width=max(big // 40, 2), joint="curve")
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _rank(values: Array) -> Array:
    """Return ranks scaled to [0, 1]."""
    return np.argsort(np.argsort(values)) / max(len(values) - 1, 1)
