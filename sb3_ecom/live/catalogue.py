"""The catalogue of a running shop: items that came after the policy was trained, and items that left.

A new item is described by its category, its price and, where both old and new items have one, a text
embedding. Its place in the policy's tables is a weighted mean of the trained items most like it; how often it
is clicked is what the exploration share is to find out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import check_number
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.public_tables import ShopTables
from sb3_ecom.envs.recommendation.session.tracker import FACTS
from sb3_ecom.live.item_ids import ItemIds

Floats = NDArray[np.float64]
NEIGHBOURS = 5  # trained items that describe a new one
_TEXT = 2.0  # standard deviations of log price that opposite descriptions are apart, halved
_PRICE = 2  # column of `ShopTables.event`: standardised log price


class NewItem(NamedTuple):
    """What is known of an item that the policy was not trained on."""

    id: str
    category: int  # of the trained catalogue
    price: float  # currency units of the log
    text: Floats | None  # embedding of its description


@dataclass(frozen=True)
class CatalogueChange:
    """What an update did.

    Attributes:
        new: items that are shown from now on and were not trained on.
        gone: trained items that are shown no more.
        unplaced: new items whose category no trained item has; they stand among the items of like price.
    """

    new: tuple[str, ...]
    gone: tuple[str, ...]
    unplaced: tuple[str, ...]


class LiveCatalogue:
    """N trained items and M new ones, with the public tables of all.

    Attributes:
        ids: of the N + M items; the trained ones keep their numbers.
        tables: public tables of N + M items.
        available: (N + M,) bool, may be shown.
        new_share: chance that the last slot of a page shows a new item drawn at random.
        trained: N.
    """

    def __init__(
        self,
        task: SessionTask,
        ids: ItemIds,
        new: Sequence[NewItem] = (),
        gone: Sequence[str] = (),
        texts: Mapping[str, Floats] | None = None,
        new_share: float = 0.0,
    ) -> None:
        self.trained = len(ids)
        self.new_share = new_share
        self._near = _neighbours(task, ids, new, texts or {})
        self.ids = ItemIds((*ids.ids, *(item.id for item in new)))
        self.tables: ShopTables = _extended(task, new, self._near) if new else task.tables.public
        self.available = np.ones(len(self.ids), dtype=bool)
        self.available[ids.numbers(gone)] = False

    @property
    def changed(self) -> bool:
        """Whether it differs from the trained catalogue."""
        return len(self.ids) > self.trained or not self.available.all()

    @property
    def new(self) -> NDArray[np.bool_]:
        """(N + M,) bool: not trained on."""
        return np.arange(len(self.ids)) >= self.trained

    def extend_scores(self, scores: Floats) -> Floats:
        """Return (N + M,) scores, the M last as means of those of the trained items most like them.

        Closed items (-inf or the far negative mark of a masked policy) do not count.
        """
        if len(self.ids) == self.trained:
            return scores
        open_items = np.isfinite(scores) & (scores > -1e20)
        weight = self._near * open_items
        total = weight.sum(1)
        mean = weight @ np.where(open_items, scores, 0.0) / np.where(total > 0, total, 1.0)
        lowest = scores[open_items].min() if open_items.any() else 0.0
        return np.concatenate([scores, np.where(total > 0, mean, lowest)])


def read_catalogue(
    task: SessionTask, ids: ItemIds, table: Any, new_share: float
) -> tuple[LiveCatalogue, CatalogueChange]:
    """Return the catalogue of a shop from its present table of items.

    Args:
        task: that the policy was trained on.
        ids: of its items.
        table: all items on sale now: rows (mappings), or a data frame, with the columns `item`, `category`,
            `price` and, where there is one, `text` (an embedding, the same length in every row). Trained
            items that are not among them are shown no more; their rows may lack category and price.
        new_share: chance that the last slot of a page shows a new item drawn at random, in [0, 1].

    Raises:
        ValueError: naming the row and column, on a missing or wrong cell.
    """
    check_number("new_share", new_share, low=0, high=1)
    rows = _rows(table)
    names = [_cell(row, "item", number) for number, row in enumerate(rows)]
    ItemIds([str(name) for name in names])  # no id twice
    texts = {str(row["item"]): _text(row, number) for number, row in enumerate(rows) if _has(row, "text")}
    if len({vector.size for vector in texts.values()}) > 1:
        raise ValueError("text must have the same length in every row")
    listed = {str(name) for name in names}
    groups = _category_numbers(task, ids, rows)
    new, unplaced = [], []
    for number, row in enumerate(rows):
        name = str(row["item"])
        if name in ids:
            continue
        price = _price(row, number)
        category = groups.get(str(_cell(row, "category", number)), -1)
        if category < 0:
            unplaced.append(name)
        new.append(NewItem(name, category, price, texts.get(name)))
    gone = tuple(name for name in ids.ids if name not in listed)
    if len(gone) == len(ids) and not new:
        raise ValueError("the table must hold at least one item that can be shown, got none")
    catalogue = LiveCatalogue(task, ids, new, gone, texts, new_share if new else 0.0)
    return catalogue, CatalogueChange(tuple(item.id for item in new), gone, tuple(unplaced))


def _neighbours(
    task: SessionTask, ids: ItemIds, new: Sequence[NewItem], texts: Mapping[str, Floats]
) -> Floats:
    """Return (M, N) weights, rows summing to 1: the trained items most like each new one."""
    items = task.params.catalogue
    weights = np.zeros((len(new), items.size))
    prices = np.log(np.asarray(items.price))
    spread = max(float(prices.std()), 1e-6)
    for row, item in enumerate(new):
        distance = np.abs(prices - np.log(item.price)) / spread
        if item.text is not None:
            likeness = np.array([_cosine(texts.get(name), item.text) for name in ids.ids])
            distance = distance + _TEXT * (1.0 - likeness)
        same = items.category == item.category
        if same.any():
            distance = np.where(same, distance, np.inf)
        nearest = np.argsort(distance, kind="stable")[:NEIGHBOURS]
        nearest = nearest[np.isfinite(distance[nearest])]
        weights[row, nearest] = np.exp(distance[nearest[0]] - distance[nearest])
        weights[row] /= weights[row].sum()
    return weights


def _cosine(one: Floats | None, other: Floats) -> float:
    """Return the cosine of two embeddings, 0 where one is missing."""
    if one is None:
        return 0.0
    return float(one @ other) / max(float(np.linalg.norm(one)) * float(np.linalg.norm(other)), 1e-12)


def _extended(task: SessionTask, new: Sequence[NewItem], near: Floats) -> ShopTables:
    """Return the public tables with a row for each new item: means of its neighbours, its own price."""
    items, shop = task.params.catalogue, task.tables.public
    prices = np.log(items.price)
    own: Floats = np.array([item.price for item in new], dtype=np.float64)
    price = (np.log(own) - prices.mean()) / max(float(prices.std()), 1e-9)
    nearest = near.argmax(1)
    given = np.array([item.category for item in new], dtype=np.int64)
    group = np.where(given >= 0, given, items.category[nearest])
    one_hot = np.eye(items.num_categories)[group]

    def joined(table: Any, rows: Any) -> Any:
        return np.ascontiguousarray(np.concatenate([table, rows]), dtype=table.dtype)

    event = near @ shop.event[:-1]
    event[:, :FACTS] = 0
    event[:, 0], event[:, _PRICE] = 1, price
    context, columns = near @ shop.context, near @ shop.columns.T
    width = items.num_categories
    context[:, -width:] = columns[:, -width:] = one_hot
    columns[:, -width - 1] = price
    extended: ShopTables = shop._replace(
        embedding=joined(shop.embedding, near @ shop.embedding),
        direction=joined(shop.direction, near @ shop.direction),
        log_popularity=joined(shop.log_popularity, near @ shop.log_popularity),
        exit_effect=joined(shop.exit_effect, near @ shop.exit_effect),
        price=joined(shop.price, price),
        category=joined(shop.category, one_hot),
        group=np.concatenate([shop.group[:-1], group, shop.group[-1:]]),
        event=joined(joined(shop.event[:-1], event), shop.event[-1:]),
        context=joined(shop.context, context),
        columns=np.ascontiguousarray(joined(shop.columns.T, columns).T),
    )
    return extended


def _category_numbers(task: SessionTask, ids: ItemIds, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return category text -> number, as most trained items of the table with that text have it."""
    votes: dict[str, dict[int, int]] = {}
    for row in rows:
        item = ids.find(str(row["item"]))
        if item >= 0 and _has(row, "category"):
            count = votes.setdefault(str(row["category"]), {})
            number = int(task.params.catalogue.category[item])
            count[number] = count.get(number, 0) + 1
    return {text: max(count, key=lambda number: (count[number], -number)) for text, count in votes.items()}


def _rows(table: Any) -> list[Mapping[str, Any]]:
    if hasattr(table, "to_dict") and hasattr(table, "columns"):  # a data frame
        table = table.to_dict("records")
    rows = list(table)
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("the catalogue must be rows with item, category and price, got none")
    return rows


def _has(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return value is not None and not (isinstance(value, float) and np.isnan(value))


def _cell(row: Mapping[str, Any], name: str, number: int) -> Any:
    if not _has(row, name):
        raise ValueError(f"{name} must be given for every new item, row {number} has none")
    return row[name]


def _price(row: Mapping[str, Any], number: int) -> float:
    value = _cell(row, "price", number)
    check_number(f"price of row {number}", value, above=0, unit="currency units")
    return float(value)


def _text(row: Mapping[str, Any], number: int) -> Floats:
    vector = np.asarray(row["text"], dtype=np.float64)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise ValueError(f"text of row {number} must be a vector of finite numbers")
    return vector
