"""The flagship's page view of a catalogue too large to be prepared as a whole: items are looked up."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.large.catalogue import LargeCatalogue
from sb3_ecom.envs.recommendation.session.dynamics import Visit
from sb3_ecom.envs.recommendation.session.page_view import PageReader
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.render import ShopPage

_SAMPLE = 2000  # items against which an item's brightness is ranked


class LargePage(ShopPage):
    """Draws the pages of a large shop; an item's name is its number.

    Args:
        params: of the session.
        items: the catalogue; read only where an item is shown.
    """

    def __init__(self, params: SessionParams, items: LargeCatalogue) -> None:
        self._reader: Any = LargeReader(params, items)
        self._items: Any = _Labels(items)
        self._colours: Any = _Colours(items)


class LargeReader(PageReader):
    """Reads page views where a visit keeps a list of opened items, not a mask."""

    def __init__(self, params: SessionParams, items: LargeCatalogue) -> None:
        self._params = params
        self._items: Any = items

    def _is_opened(self, visit: Visit, row: int) -> Array:
        return np.array([item for item in visit.opened[row].tolist() if item >= 0], dtype=np.int64)


class _Names:
    def __getitem__(self, item: int) -> str:
        return str(item)


class _Labels:
    """What a page writes beside an item."""

    def __init__(self, items: LargeCatalogue) -> None:
        self.item_ids, self.category, self.price = _Names(), items.category, items.price


class _Colours:
    """An RGB colour per item, as `garments.item_colours` gives, ranks taken within a sample."""

    def __init__(self, items: LargeCatalogue) -> None:
        self._worth = items.worth
        sample = np.asarray(items.worth[:: max(1, items.size // _SAMPLE)], dtype=np.float64)
        self._mean = sample.mean(0)
        axes = np.linalg.svd(sample - self._mean, full_matrices=False)[2][:3]
        self._axes = np.zeros((3, sample.shape[1]))
        self._axes[: len(axes)] = axes
        parts = (sample - self._mean) @ self._axes.T
        self._bright, self._strong = np.sort(parts[:, 2]), np.sort(np.hypot(parts[:, 0], parts[:, 1]))

    def __getitem__(self, item: int) -> tuple[int, int, int]:
        x, y, z = self._axes @ (self._worth[item] - self._mean)
        bright = np.searchsorted(self._bright, z) / len(self._bright)
        strong = np.searchsorted(self._strong, np.hypot(x, y)) / len(self._strong)
        hue = np.arctan2(y, x) / (2 * np.pi) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.35 + 0.40 * strong, 0.62 + 0.28 * bright)
        return round(255 * red), round(255 * green), round(255 * blue)
