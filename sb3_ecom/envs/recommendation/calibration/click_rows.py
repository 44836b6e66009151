"""The rows of a click log on their way to clean sessions: what is used, and why the rest is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Table
from sb3_ecom.envs.recommendation.calibration.click_items import item_categories, item_prices

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MIN_ITEMS = 10  # a slate of five needs something left to choose from
MIN_SESSIONS = 50
_DAY = 86_400.0  # seconds
_BOUGHT = frozenset({"1", "1.0", "true", "t", "yes", "y", "purchase", "transaction", "buy", "bought", "sale"})
_EVENTS = frozenset({"purchase", "transaction", "buy", "sale"})  # rows of their own, beside the click's
_CLICKED = frozenset(
    {"", "view", "click", "detail", "pageview", "productview", "itemview", "clickout", "viewitem"}
)


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """What of a log to use."""

    min_item_clicks: int = 5  # clicks; the clicks of rarer items are dropped
    max_items: int = 500  # the most clicked ones stay
    max_sessions: int = 25_000  # a random sample of these is fitted
    seed: int = 0  # of that sample

    def __post_init__(self) -> None:
        for name, low in (("min_item_clicks", 1), ("max_items", MIN_ITEMS), ("max_sessions", MIN_SESSIONS)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be >= {low}, got {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"seed must be >= 0, got {self.seed}")


@dataclass(frozen=True, kw_only=True)
class ClickLog:
    """Clicks in order of session and time; items and sessions are numbered from 0."""

    session: Ints  # (clicks,), non-decreasing
    item: Ints  # (clicks,)
    item_ids: list[str]  # (N,) the shop's own
    categories: Ints  # (N,) an item's most frequent category; all 0 where the log has none
    category_ids: list[str]
    prices: NDArray[np.float32] | None  # (N,) an item's median price, gaps filled
    purchases: Mask | None  # (clicks,) whether the clicked item was bought
    mean_position: float | None  # slot of a click, as logged
    columns: dict[str, str]  # option -> the log's own column name
    rows_read: int
    dropped: dict[str, str]  # reason -> count, first row
    notes: list[str]  # what the user should know

    @property
    def num_sessions(self) -> int:
        """Sessions used."""
        return int(self.session[-1]) + 1

    @property
    def num_items(self) -> int:
        """Items used."""
        return len(self.item_ids)


class ClickRows:
    """The rows of a table that are still in use, and why the others are not."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns: dict[str, NDArray[Any]] = dict(table.columns)
        self._bought: Mask | None = None
        self.dropped = {reason: str(dropped) for reason, dropped in table.dropped.items()}
        self.notes: list[str] = []

    def sort_by_time(self) -> None:
        """Order by session and time; equal times keep the file's order."""
        order = np.lexsort((self._columns["time"], self._columns["session"]))
        self._columns = {option: values[order] for option, values in self._columns.items()}

    def drop_duplicates(self) -> None:
        """Drop rows that repeat session, item, time and event, where times tell clicks apart."""
        c = self._columns
        if self._table.time_unit == "seconds" and not np.any(c["time"] % _DAY):
            self.notes.append(
                "times are whole days: the order within a day is the file's, duplicates were kept"
            )
            return
        event = c.get("purchase", np.zeros(len(c["item"]), dtype=np.int32))
        order = np.lexsort((event, c["item"], c["time"], c["session"]))
        same = np.ones(max(0, len(order) - 1), dtype=bool)
        for values in (event, c["item"], c["time"], c["session"]):
            same &= values[order[1:]] == values[order[:-1]]
        repeated = np.zeros(len(order), dtype=bool)
        repeated[order[1:][same]] = True
        self._drop("repeats an earlier row (same session, item and time)", repeated)

    def take_purchases(self) -> None:
        """Read the purchase column as a flag of a click, or as the event that a row tells of."""
        if "purchase" not in self._columns:
            return
        labels = [label.lower().replace("_", "").replace(" ", "") for label in self._table.labels["purchase"]]
        code = self._columns.pop("purchase")
        bought = np.array([label in _BOUGHT for label in labels])[code]
        if not _CLICKED & set(labels) or not _EVENTS & set(labels):
            self._bought = bought
            return
        clicked = np.array([label in _CLICKED for label in labels])[code]
        self._bought = self._credit_clicks(clicked, bought)
        self._drop("event is neither click nor purchase", ~clicked & ~bought)
        clicked = clicked[clicked | bought]
        self._drop("event is a purchase (credited to its click)", ~clicked)

    def drop_rare_items(self, cleaning: Cleaning) -> None:
        """Drop the clicks of items that are too rare to be fitted."""
        clicks = np.bincount(self._columns["item"], minlength=1)
        rare = clicks[self._columns["item"]] < cleaning.min_item_clicks
        self._drop(f"item has fewer than {cleaning.min_item_clicks} clicks (--min-item-clicks)", rare)
        clicks = np.bincount(self._columns["item"], minlength=1)
        rank = np.empty(len(clicks), dtype=np.int64)
        rank[np.argsort(-clicks, kind="stable")] = np.arange(len(clicks))
        beyond = rank[self._columns["item"]] >= cleaning.max_items
        self._drop(f"item is not among the {cleaning.max_items:,} most clicked (--max-items)", beyond)
        lost = (rare.sum() + beyond.sum()) / max(1, len(rare))
        if lost > 0.1:
            self.notes.append(
                f"{lost:.0%} of the clicks fell on items that were left out: sessions look shorter"
            )

    def sample_sessions(self, cleaning: Cleaning) -> None:
        """Keep a random sample of sessions."""
        found = np.unique(self._columns["session"])
        if len(found) > cleaning.max_sessions:
            rng = np.random.default_rng(cleaning.seed)
            kept = rng.choice(found, cleaning.max_sessions, replace=False)
            reason = f"session is not in the sample of {cleaning.max_sessions:,} (--max-sessions)"
            self._drop(reason, ~np.isin(self._columns["session"], kept))

    def check(self, path: str | Path) -> None:
        """Raise ValueError unless enough is left to fit."""
        session, item = self._columns["session"], self._columns["item"]
        items, sessions = len(np.unique(item)), len(np.unique(session))
        dropped = "; ".join(f"{reason}: {count}" for reason, count in self.dropped.items()) or "nothing"
        left = f"{path}: {self._table.rows_read:,} rows read, {len(item):,} left; dropped: {dropped}"
        if items < MIN_ITEMS:
            raise ValueError(f"a fit needs >= {MIN_ITEMS} items, the log has {items} (--item); {left}")
        if sessions < MIN_SESSIONS:
            raise ValueError(
                f"a fit needs >= {MIN_SESSIONS} sessions, the log has {sessions} (--session); {left}"
            )
        longer = int((np.bincount(session) >= 2).sum())
        if longer < MIN_SESSIONS:
            name = self._table.names["session"]
            raise ValueError(
                f"a fit needs >= {MIN_SESSIONS} sessions of two or more clicks, the log has {longer}: "
                f"is {name!r} (--session) the session? {left}"
            )

    def finish(self) -> ClickLog:
        """Number what is left from 0."""
        _, session = np.unique(self._columns["session"], return_inverse=True)
        kept, item = np.unique(self._columns["item"], return_inverse=True)
        categories, category_ids = self._categories(item, len(kept))
        prices, notes = item_prices(item, self._columns.get("price"), categories)
        self.notes += notes
        position = self._columns.get("position", np.zeros(0))
        position = position[np.isfinite(position)]
        return ClickLog(
            session=session.astype(np.int64),
            item=item.astype(np.int64),
            item_ids=[self._table.labels["item"][code] for code in kept],
            categories=categories,
            category_ids=category_ids,
            prices=prices,
            purchases=self._bought,
            mean_position=float(position.mean()) if position.size else None,
            columns=self._table.names,
            rows_read=self._table.rows_read,
            dropped=self.dropped,
            notes=self.notes,
        )

    def _credit_clicks(self, clicked: Mask, bought: Mask) -> Mask:
        """Mark the last click on an item before each purchase of it in the same session."""
        item, session = self._columns["item"].astype(np.int64), self._columns["session"].astype(np.int64)
        order = np.lexsort((np.arange(len(item)), item, session))
        latest = np.maximum.accumulate(np.where(clicked[order], np.arange(len(order)), -1))
        sale = np.flatnonzero(bought[order] & (latest >= 0))
        origin, sale = order[latest[sale]], order[sale]
        own = (item[origin] == item[sale]) & (session[origin] == session[sale])
        marked = np.zeros(len(item), dtype=bool)
        marked[origin[own]] = True
        lost = int(bought.sum() - own.sum())
        if lost:
            self.notes.append(
                f"{lost:,} purchases follow no click on their item in the session and were left out"
            )
        return marked

    def _categories(self, item: Ints, num_items: int) -> tuple[Ints, list[str]]:
        if "category" not in self._columns:
            self.notes.append("no category column: all items share one category")
            return np.zeros(num_items, dtype=np.int64), [""]
        code = self._columns["category"].astype(np.int64)
        categories, codes, notes = item_categories(item, code, num_items)
        self.notes += notes
        return categories, [self._table.labels["category"][code] for code in codes]

    def _drop(self, reason: str, rows: Mask) -> None:
        if not rows.any():
            return
        self.dropped[reason] = f"{int(rows.sum()):,}"
        self._columns = {option: values[~rows] for option, values in self._columns.items()}
        if self._bought is not None:
            self._bought = self._bought[~rows]
