"""EcomRec's page view of a catalogue too large to be prepared as a whole: items are looked up."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome
from sb3_ecom.envs.recommendation.session.page_view import PageReader
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.render import ShopPage
from sb3_ecom.envs.recommendation.session.tracker import Session

_SAMPLE = 2000  # items against which an item's brightness is ranked


def render(
    params: SessionParams, tables: TaskTables, state: State, outcome: PageOutcome | None, row: int, mode: str
) -> Any:
    """Return the shop page of copy `row` as a (480, 640, 3) uint8 picture or, in mode "ansi", a text."""
    for known, page in _PAGES:
        if known is tables.hidden.item_factors:
            return page.show(state, outcome, row, mode)
    _PAGES.append((tables.hidden.item_factors, _LargePage(params, tables)))
    del _PAGES[:-2]
    return _PAGES[-1][1].show(state, outcome, row, mode)


_PAGES: list[tuple[Any, ShopPage]] = []  # of the shops drawn last: colours follow from a sample of items


class _LargePage(ShopPage):
    """Draws the pages of a large shop; an item's name is its number.

    Args:
        params: of the session.
        tables: of the task; read only where an item is shown.
    """

    def __init__(self, params: SessionParams, tables: TaskTables) -> None:
        items = _Items(tables)
        self._reader: Any = _LargeReader(params, items)
        self._items: Any = items
        self._colours: Any = _Colours(items)


class _LargeReader(PageReader):
    """Reads page views where a visit keeps a list of opened items, not a mask."""

    def __init__(self, params: SessionParams, items: _Items) -> None:
        self._params = params
        self._items: Any = items

    def _is_opened(self, session: Session, row: int) -> Array:
        return np.array([item for item in session.opened[row].tolist() if item >= 0], dtype=np.int64)


class _Names:
    def __getitem__(self, item: int) -> str:
        return str(item)


class _Items:
    """The catalogue's columns that a picture reads, under their names in `Catalogue`."""

    def __init__(self, tables: TaskTables) -> None:
        visit, shop = tables.hidden, tables.public
        self.item_ids, self.price = _Names(), shop.price
        self.category, self.quality, self.item_factors = visit.group, visit.quality, visit.item_factors
        self.size = len(visit.quality)

    def category_name(self, category: int) -> str:
        """Return a category's number from 1."""
        return f"category {category + 1}"


class _Colours:
    """An RGB colour per item, as `garments.item_colours` gives, ranks taken within a sample."""

    def __init__(self, items: _Items) -> None:
        self._factors = items.item_factors
        sample = np.asarray(items.item_factors[:: max(1, items.size // _SAMPLE)], dtype=np.float64)
        self._mean = sample.mean(0)
        axes = np.linalg.svd(sample - self._mean, full_matrices=False)[2][:3]
        self._axes = np.zeros((3, sample.shape[1]))
        self._axes[: len(axes)] = axes
        parts = (sample - self._mean) @ self._axes.T
        self._bright, self._strong = np.sort(parts[:, 2]), np.sort(np.hypot(parts[:, 0], parts[:, 1]))

    def __getitem__(self, item: int) -> tuple[int, int, int]:
        x, y, z = self._axes @ (self._factors[item] - self._mean)
        bright = np.searchsorted(self._bright, z) / len(self._bright)
        strong = np.searchsorted(self._strong, np.hypot(x, y)) / len(self._strong)
        hue = np.arctan2(y, x) / (2 * np.pi) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.35 + 0.40 * strong, 0.62 + 0.28 * bright)
        return round(255 * red), round(255 * green), round(255 * blue)
