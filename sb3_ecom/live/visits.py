"""A visit as a record of texts, and the tracked state that follows from it.

The record holds what happened: where the visitor landed, which pages were shown, what was clicked and bought.
It is all that a store has to keep. The tracked state is a fold over it, made by the tracker that trained the
policy; a click that is reported late, or a catalogue that changes meanwhile, is a fold over the new record.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.checks import check_number
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.tracker import Landing, PageEvent, Session
from sb3_ecom.live.catalogue import LiveCatalogue
from sb3_ecom.live.visit_store import UnknownVisitError

Record = dict[str, Any]
_KEPT = 20_000  # visits whose tracked state is kept at hand


def new_record(visit: str, landing: str | None, hour: float, clicks: tuple[str, ...] = ()) -> Record:
    """Return the record of a visit that begins.

    Args:
        visit: its name.
        landing: the item on which the visitor landed, None where it was none.
        hour: local time of day, in [0, 24).
        clicks: items clicked since then, before the first page of ours.
    """
    return {
        **{"visit": visit, "landing": landing, "hour": hour, "clicks": list(clicks)},
        **{"pages": [], "closed": False, "opened": time.time()},
    }


def new_page(event_id: str, items: list[str]) -> Record:
    """Return a page of a record; an empty slot is an empty text."""
    return {"event_id": event_id, "items": items, "clicked": None, "bought": False, "rewarded": False}


def note_reward(record: Record | None, event_id: str, clicked: str | None, bought: bool) -> Record:
    """Note in a record what became of a page; return the record.

    Raises:
        ValueError: on an unknown or repeated event, or an item that was not on the page.
    """
    pages = [] if record is None else record["pages"]
    page = next((each for each in pages if each["event_id"] == event_id), None)
    if record is None or page is None:
        raise UnknownVisitError(f"event {event_id!r} is unknown, or its visit is over")
    if page["rewarded"]:
        raise ValueError(f"event {event_id!r} was rewarded already")
    if clicked is not None and (clicked not in page["items"] or not clicked):
        raise ValueError(f"clicked item {clicked!r} was not on the page of event {event_id!r}")
    if bought and clicked is None:
        raise ValueError("bought needs the item clicked")
    page.update(clicked=clicked, bought=bool(bought), rewarded=True)
    return record


def read_hour(hour: float | None) -> float:
    """Return an hour of the day, the present one for None.

    Raises:
        ValueError: if it lies outside [0, 24).
    """
    if hour is None:
        now = time.localtime()
        return now.tm_hour + now.tm_min / 60
    check_number("hour", hour, low=0, below=24, unit="hours")
    return float(hour)


def read_text(text: str | None, what: str) -> str | None:
    """Return the text of an item id.

    Raises:
        ValueError: if it is none.
    """
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{what} must be item ids as text, got {text!r}")
    return text


class _Folded(NamedTuple):
    steps: tuple[tuple[Any, ...], ...]  # what was folded
    state: Session | None


class VisitFolder:
    """Folds records into tracked states; keeps the last states so that a page costs one step.

    Args:
        task: whose tracker and slate size apply.
        catalogue: of the shop.
    """

    def __init__(self, task: SessionTask, catalogue: LiveCatalogue) -> None:
        self._task, self._catalogue = task, catalogue
        self._kept: OrderedDict[str, _Folded] = OrderedDict()
        self._lock = threading.Lock()

    def fold(self, record: Record) -> Session | None:
        """Return the tracked state after all pages of a record.

        None as long as the visitor has touched no known item: then nothing is known to decide on. An unknown
        landing item is skipped: the session opens on the first known click.
        """
        steps = _steps(record)
        with self._lock:
            known = self._kept.get(record["visit"], _Folded((), None))
        if known.steps != steps[: len(known.steps)]:
            known = _Folded((), None)
        state = known.state
        for step in steps[len(known.steps) :]:
            state = self._after(state, step, record["hour"])
        with self._lock:
            self._kept[record["visit"]] = _Folded(steps, state)
            self._kept.move_to_end(record["visit"])
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return state

    def _after(self, state: Session | None, step: tuple[Any, ...], hour: float) -> Session | None:
        items, clicked, bought = step
        tables, ids = self._catalogue.tables, self._catalogue.ids
        item = ids.find(clicked)
        if state is None:
            if item < 0:
                return None
            landing = Landing(np.array([item]), np.array([hour / 24.0], dtype=np.float32))
            opened: Session = self._task.tracker.open(landing, tables)
            return opened
        size = self._task.params.slate_size
        page = np.full((1, size), -1)
        page[0, : len(items)] = [ids.find(text) for text in items]
        slot = items.index(clicked) if item >= 0 else size
        bought_too = np.array([float(bought)], dtype=np.float32)
        event = PageEvent(np.array([slot]), np.array([item]), bought_too)
        noted: Session = self._task.tracker.note(state, page, event, tables)
        return noted


def _steps(record: Record) -> tuple[tuple[Any, ...], ...]:
    """Return (items shown, item clicked, bought) from the landing on."""
    touched = [record["landing"], *record["clicks"]]
    opening = [((text,), text, False) for text in touched if text is not None]
    pages = [(tuple(page["items"]), page["clicked"], page["bought"]) for page in record["pages"]]
    return (*opening, *pages)
