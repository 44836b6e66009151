"""The rows of a click log on their way to clean sessions: what is used, and why the rest is not."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Ints, Mask
from sb3_ecom.core.tables.options import count_cells
from sb3_ecom.core.tables.private import LEAST_CELLS
from sb3_ecom.core.tables.reader import Table
from sb3_ecom.envs.recommendation.calibration.click_events import is_flag, knows_any, read_events, read_flags
from sb3_ecom.envs.recommendation.calibration.click_items import item_categories, item_prices
from sb3_ecom.envs.recommendation.calibration.visits import find_pauses, split_visits

_MIN_ITEMS = 10  # a slate of five needs something left to choose from
_MIN_SESSIONS = 50
WEAK_EVENT_NAMES = ("type", "action")  # taken for events only if they name known ones
_DAY = 86_400.0  # seconds
_LAST_SLOT = 1000  # a greater number is no position on a page


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Choice of the part of a log that is used."""

    min_item_clicks: int = 5  # clicks; the clicks of rarer items are dropped
    max_items: int = 500  # the most clicked ones stay
    max_sessions: int = 25_000  # a random sample of these is fitted
    max_session_clicks: int = 500  # clicks; longer sessions are dropped
    min_item_visitors: int = 5  # distinct visitors, else sessions, that an item needs to stand in a preset
    click_events: tuple[str, ...] = ()  # names of events that are clicks; none: the well-known ones
    purchase_events: tuple[str, ...] = ()  # likewise, of purchases
    session_gap: float | None = None  # minutes without an event that end a visit; None: sessions are visits
    seed: int = 0  # of that sample

    def __post_init__(self) -> None:
        least = {"min_item_clicks": 1, "max_items": _MIN_ITEMS, "max_sessions": _MIN_SESSIONS}
        for name, low in (*least.items(), ("max_session_clicks", 2), ("min_item_visitors", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be >= {low}, got {getattr(self, name)}")
        if self.session_gap is not None and not 0 < self.session_gap < math.inf:
            raise ValueError(f"session_gap must be > 0 minutes, got {self.session_gap}")
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
    unused: list[str]  # columns that were not taken for anything

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

    def __init__(self, table: Table, named: Collection[str] = ()) -> None:
        self._table = table
        self._named = named  # options whose column the user named
        self._columns: dict[str, NDArray[Any]] = dict(table.columns)
        self._bought: Mask | None = None
        self.dropped = {reason: str(dropped) for reason, dropped in table.dropped.items()}
        self.notes: list[str] = count_cells(table)

    def sort_by_time(self) -> None:
        """Order by session and time; equal times keep the file's order."""
        order = np.lexsort((self._columns["time"], self._columns["session"]))
        self._columns = {option: values[order] for option, values in self._columns.items()}

    def split_sessions(self, gap: float | None) -> None:
        """Part visits that a pause of `gap` minutes separates; or say that some look like several visits."""
        session, time = self._columns["session"], self._columns["time"]
        timed = self._table.time_unit == "seconds" and bool(np.any(time % _DAY))
        if gap is None:
            self.notes += find_pauses(session, time, self._table.names["session"]) if timed else []
            return
        if not timed:
            raise ValueError("session_gap needs times of the day, the log's times are whole days or an order")
        self._columns["session"], note = split_visits(session, time, gap)
        self.notes.append(note)

    def drop_duplicates(self) -> None:
        """Drop rows that repeat session, item, time and event, where times tell clicks apart."""
        c = self._columns
        if self._table.time_unit == "seconds" and not np.any(c["time"] % _DAY):
            self.notes.append(
                "times are whole days: the order within a day is the file's, duplicates were kept"
            )
            return
        event = c.get("event", c.get("purchase", np.zeros(len(c["item"]), dtype=np.int32)))
        order = np.lexsort((event, c["item"], c["time"], c["session"]))
        same = np.ones(max(0, len(order) - 1), dtype=bool)
        for values in (event, c["item"], c["time"], c["session"]):
            same &= values[order[1:]] == values[order[:-1]]
        repeated = np.zeros(len(order), dtype=bool)
        repeated[order[1:][same]] = True
        self._drop("repeats an earlier row (same session, item and time)", repeated)

    def take_events(self, cleaning: Cleaning) -> None:
        """Keep the rows that are clicks, and mark those whose item was bought."""
        event = "event" if self._names_events("event", cleaning) else None
        if event is None and self._names_events("purchase", cleaning):
            event = "purchase"
        flags = self._columns.pop("purchase") if event != "purchase" and "purchase" in self._columns else None
        if flags is not None:
            labels = self._table.labels["purchase"]
            if not is_flag(labels):
                self.notes.append("the purchase column holds texts beside yes, no and numbers: taken as no")
            self._bought = read_flags(labels)[flags]
        if event is None:
            self._columns.pop("event", None)
            return
        labels, code = self._table.labels[event], self._columns.pop(event)
        self._columns.pop("event", None)
        counts = np.bincount(code, minlength=len(labels))
        clicks, sales = read_events(
            labels, counts, cleaning.click_events, cleaning.purchase_events, self._table.names[event]
        )
        clicked, bought = clicks[code], sales[code]
        if bought.any():
            credited = self._credit_clicks(clicked, bought)
            self._bought = credited if self._bought is None else credited | self._bought
        self._drop("event is neither click nor purchase", ~clicked & ~bought)
        clicked = clicked[clicked | bought]
        self._drop("event is a purchase (credited to its click)", ~clicked)

    def drop_long_sessions(self, cleaning: Cleaning) -> None:
        """Drop sessions that no visitor makes."""
        session = self._columns["session"]
        clicks = np.bincount(session, minlength=1)
        long, sessions = int((clicks > cleaning.max_session_clicks).sum()), int((clicks > 0).sum())
        if long > 0.1 * sessions:
            self.notes.append(
                f"{long:,} of {sessions:,} sessions have > {cleaning.max_session_clicks} clicks"
            )
            return
        reason = f"in {long:,} sessions of more than {cleaning.max_session_clicks:,} clicks, as of a bot"
        self._drop(f"{reason} (--max-session-clicks)", clicks[session] > cleaning.max_session_clicks)

    def drop_private_items(self, cleaning: Cleaning) -> None:
        """Drop the clicks of items that too few visitors (or sessions, where no visitor is named) clicked."""
        who = self._columns.get("visitor", self._columns["session"]).astype(np.int64)
        if "visitor" in self._columns:  # a visitor without a name is one of each session
            codes = np.array([label == "" for label in self._table.labels["visitor"]], dtype=bool)
            who = np.where(codes[who], -1 - self._columns["session"].astype(np.int64), who)
        item = self._columns["item"].astype(np.int64)
        pairs = np.unique(np.stack([item, who]), axis=1)
        distinct = np.bincount(pairs[0], minlength=int(item.max()) + 1 if item.size else 1)
        of = "visitors" if "visitor" in self._columns else "sessions"
        reason = f"item has clicks of fewer than {cleaning.min_item_visitors} {of} (--min-item-visitors)"
        self._drop(reason, distinct[item] < cleaning.min_item_visitors)

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

    def check_sessions(self, path: str | Path) -> None:
        """Raise ValueError if there are too few sessions, whatever is done with their items."""
        sessions = len(np.unique(self._columns["session"]))
        if sessions < _MIN_SESSIONS:
            raise ValueError(
                f"{path}: a fit needs >= {_MIN_SESSIONS} sessions, the log has {sessions} (--session)"
            )

    def check(self, path: str | Path) -> None:
        """Raise ValueError unless enough is left to fit."""
        session, item = self._columns["session"], self._columns["item"]
        items, sessions = len(np.unique(item)), len(np.unique(session))
        dropped = "; ".join(f"{reason}: {count}" for reason, count in self.dropped.items()) or "nothing"
        left = f"{path}: {self._table.rows_read:,} rows read, {len(item):,} left; dropped: {dropped}"
        if items < _MIN_ITEMS:
            raise ValueError(f"a fit needs >= {_MIN_ITEMS} items, the log has {items} (--item); {left}")
        if sessions < _MIN_SESSIONS:
            raise ValueError(
                f"a fit needs >= {_MIN_SESSIONS} sessions, the log has {sessions} (--session); {left}"
            )
        longer = int((np.bincount(session) >= 2).sum())
        if longer < _MIN_SESSIONS:
            name = self._table.names["session"]
            raise ValueError(
                f"a fit needs >= {_MIN_SESSIONS} sessions of two or more clicks, the log has {longer}: "
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
        position = position[(position >= 0) & (position <= _LAST_SLOT)]
        return ClickLog(
            session=session.astype(np.int64),
            item=item.astype(np.int64),
            item_ids=[self._table.labels["item"][code] for code in kept],
            categories=categories,
            category_ids=category_ids,
            prices=prices,
            purchases=self._bought,
            mean_position=float(position.mean()) if position.size >= LEAST_CELLS else None,
            columns=self._table.names,
            rows_read=self._table.rows_read,
            dropped=self.dropped,
            notes=self.notes,
            unused=self._table.describe_unused(),
        )

    def _names_events(self, option: str, cleaning: Cleaning) -> bool:
        """Return whether a column names events; a weak name that holds none we know is left alone."""
        if option not in self._columns:
            return False
        labels = self._table.labels[option]
        if option == "event" and self._holds_codes(labels):
            return True
        flags = np.array([is_flag([label]) for label in labels], dtype=bool)
        rows = np.bincount(self._columns[option], minlength=len(labels)) * [label != "" for label in labels]
        if rows @ flags >= 0.5 * rows.sum():  # a stray text among yes and no makes no event of them
            return False
        weak = self._table.names[option].lower() in WEAK_EVENT_NAMES and option not in self._named
        if weak and not knows_any(labels) and not cleaning.click_events:
            self.notes.append(f"column {self._table.names[option]!r} holds no known event and was not used")
            return False
        return True

    def _holds_codes(self, labels: Sequence[str]) -> bool:
        """Return whether events are numbered: 1 for a view, 4 for a purchase."""
        codes = {label for label in labels if label != ""}
        if len(codes) < 2 or not all(re.fullmatch(r"\d{1,2}(?:\.0)?", label) for label in codes):
            return False
        if self._table.names["event"].lower() not in WEAK_EVENT_NAMES or "event" in self._named:
            return True
        # A type of items is the same in all rows of an item, a type of events is not.
        pairs = np.unique(np.stack([self._columns["item"], self._columns["event"]]), axis=1)[0]
        kinds = np.bincount(pairs)
        rows = np.bincount(self._columns["item"])
        return bool((kinds > 1).sum() > 0.5 * (rows > 1).sum())

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
