"""Reads decision logs (`sb3_ecom.live.decision_log`) as visits with their pages and clicks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.tables.reader import Column, Table, read_table

NOON = 12.0  # hour of a visit of which nothing tells the time of day
#: Columns of a table of decisions, one row for each item shown.
COLUMNS = (
    Column(option="visit", kind="id", names=("visit", "visit_id", "session", "session_id")),
    Column(option="page", kind="id", names=("page", "page_id", "impression", "impression_id", "event_id")),
    Column(option="item", kind="id", names=("item", "item_id", "sku", "product_id", "product")),
    Column(
        option="propensity",
        kind="number",
        names=("propensity", "propensity_score", "pscore"),
        required=False,  # the cell: its page is left out as a whole
    ),
    Column(option="clicked", kind="number", names=("click", "clicked", "reward"), required=False),
    Column(option="time", kind="time", names=("time", "timestamp", "ts", "event_time"), required=False),
    Column(option="position", kind="number", names=("position", "slot", "rank"), required=False),
    Column(option="bought", kind="number", names=("bought", "purchase", "purchased"), required=False),
    Column(option="landing", kind="id", names=("landing", "landing_item"), required=False),
    Column(option="hour", kind="number", names=("hour",), required=False),
)


#: What is logged beside pages -> why no other policy can be judged by such a log, and what to do instead.
NOT_PAGES = {
    "bids": "bids, not pages: they have no propensities, and each moves the budget of all that follow. "
    "Compare policies in the simulator (`sb3-ecom compare`), then switch campaign by campaign",
    "orders": "orders, not pages: they have no propensities, and each moves the stock of all days after it. "
    "Compare policies in the simulator (`sb3-ecom compare`), then switch item by item",
}
_KEYS = {"multiplier": "bids", "orders": "orders"}  # of a decision -> what it is


@dataclass(frozen=True, kw_only=True)
class Page:
    """One decision and what became of it."""

    event_id: str
    time: float
    number: int  # within the visit
    policy: str
    explore: str
    items: tuple[str, ...]
    propensities: tuple[float, ...]
    excluded: tuple[str, ...]
    candidates: tuple[str, ...] | None  # the only items that might be shown, None: all on sale
    clicked: str | None
    rewarded: bool  # whether anything was reported; else it counts as not clicked
    bought: bool
    fallback: str | None
    shadow: tuple[str, ...]  # what the policy would have shown while a rule served
    features: str  # hash of the observation
    decision: dict[str, Any]  # a bid or orders, where there is no page


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The pages of a visit in their order."""

    visit: str
    context: dict[str, Any]  # landing item, hour, ...
    pages: tuple[Page, ...]


def read_decisions(folder: str | Path) -> list[Visit]:
    """Return the visits of a decision log, in the order of their first pages.

    A page without a reward counts as one without a click. The first reward of an event counts.

    Raises:
        ValueError: if the folder holds no decision log.
    """
    import pyarrow.dataset as ds

    root = Path(folder)
    if not list((root / "decisions").glob("day=*/*.parquet")):
        raise ValueError(f"{root} holds no decision log (no decisions/day=*/*.parquet)")
    rewards: dict[str, dict[str, Any]] = {}
    if list((root / "rewards").glob("day=*/*.parquet")):
        for row in ds.dataset(root / "rewards", format="parquet").to_table().to_pylist():
            rewards.setdefault(row["event_id"], row)
    visits: dict[str, tuple[dict[str, Any], list[Page]]] = {}
    rows = ds.dataset(root / "decisions", format="parquet").to_table().to_pylist()
    for row in sorted(rows, key=lambda each: (each["time"], each["number"])):
        reward = rewards.get(row["event_id"], {})
        page = Page(
            event_id=row["event_id"],
            time=row["time"],
            number=row["number"],
            policy=row["policy"],
            explore=row["explore"],
            items=tuple(row["items"]),
            propensities=tuple(row["propensities"]),
            excluded=tuple(row["excluded"]),
            candidates=None if row["candidates"] is None else tuple(row["candidates"]),
            clicked=reward.get("clicked"),
            rewarded=bool(reward),
            bought=bool(reward.get("bought", False)),
            fallback=row["fallback"],
            shadow=tuple(row["shadow"] or ()),
            features=row["features"],
            decision=json.loads(row["decision"] or "{}"),
        )
        _, pages = visits.setdefault(row["visit"], (json.loads(row["context"]), []))
        pages.append(page)
    return [
        Visit(visit=name, context=context, pages=tuple(pages)) for name, (context, pages) in visits.items()
    ]


def read_pages(folder: str | Path) -> list[Visit]:
    """Return the visits of a decision log of pages.

    Raises:
        ValueError: if the folder holds no decision log, or one of bids or orders, which can not be weighed.
    """
    visits = read_decisions(folder)
    for key, kind in _KEYS.items():
        if any(key in page.decision for visit in visits for page in visit.pages):
            raise ValueError(f"{folder} is a log of {NOT_PAGES[kind]}")
    return visits


def read_decision_table(
    path: str | Path, names: Mapping[str, str | None] | None = None, **reading: Any
) -> tuple[list[Visit], Table]:
    """Return the visits of a table that has one row for each item shown, and what was read as what.

    A page with an empty cell of propensity or click has a fallback, so that it is left out of a judgement.
    Rows of one page share visit and page; its items stand in the order of their position, or of the rows.
    Pages of a visit follow each other in the order of their time, or of the rows. The hour is that of the
    time, in the log's own time zone, where there is no column for it.

    Args:
        path: .csv, .tsv, .txt (also .gz) or .parquet.
        names: option of `COLUMNS` -> column name in the file, where it is not a well-known one.
        **reading: encoding, times, decimal, progress: of `core.tables.reader.read_table`.

    Raises:
        ValueError: if a column is missing, a row lacks visit, page or item, a propensity lies outside (0, 1]
            or a page has two clicks.
    """
    table = read_table(path, COLUMNS, names, **reading)
    c, labels = table.columns, table.labels
    for option in ("propensity", "clicked"):
        if option not in c:
            raise ValueError(f"{path} has no column that is known as {option}: name it with --{option}")
    if table.dropped:
        reasons = "; ".join(f"{reason}: {rows}" for reason, rows in table.dropped.items())
        raise ValueError(f"{path}: pages can not be put together without all of their rows: {reasons}")
    wrong = np.flatnonzero(~np.isnan(c["propensity"]) & ~((c["propensity"] > 0) & (c["propensity"] <= 1)))
    if wrong.size:
        row, value = int(table.row_numbers[wrong[0]]), c["propensity"][wrong[0]]
        raise ValueError(f"{path}: propensity must be in (0, 1], got {value:g} in row {row}")
    rows = np.arange(len(c["item"]))
    order = np.lexsort((rows, c.get("position", rows), c["page"], c.get("time", rows), c["visit"]))
    visits: dict[int, dict[int, list[int]]] = {}
    for row in order.tolist():
        visits.setdefault(int(c["visit"][row]), {}).setdefault(int(c["page"][row]), []).append(row)
    return [
        Visit(
            visit=labels["visit"][visit],
            context=_context(table, next(iter(pages.values()))[0]),
            pages=tuple(_page(table, number, page) for number, page in enumerate(pages.values())),
        )
        for visit, pages in visits.items()
    ], table


def _context(table: Table, row: int) -> dict[str, Any]:
    c = table.columns
    landing = table.labels["landing"][c["landing"][row]] if "landing" in c else ""
    hour = float(c["hour"][row]) if "hour" in c else NOON
    if "hour" not in c and "time" in c and table.time_unit == "seconds":
        hour = float(c["time"][row] % 86_400 / 3600)
    return {"landing": landing or None, "hour": hour, "clicks": []}


def _page(table: Table, number: int, rows: list[int]) -> Page:
    c, labels = table.columns, table.labels
    items = tuple(labels["item"][c["item"][row]] for row in rows)
    clicked = [item for item, row in zip(items, rows, strict=True) if c["clicked"][row] > 0]
    if len(clicked) > 1:
        row = int(table.row_numbers[rows[0]])
        raise ValueError(f"a page must have at most one click, the page of row {row} has {len(clicked)}")
    return Page(
        event_id=labels["page"][c["page"][rows[0]]],
        time=float(c["time"][rows[0]]) if "time" in c else float(number),
        number=number,
        policy="",
        explore="",
        items=items,
        propensities=tuple(float(c["propensity"][row]) for row in rows),
        excluded=(),
        candidates=None,
        clicked=clicked[0] if clicked else None,
        rewarded=True,
        bought=bool("bought" in c and any(c["bought"][row] > 0 for row in rows)),
        fallback="a propensity or click is missing" if _incomplete(c, rows) else None,
        shadow=(),
        features="",
        decision={},
    )


def _incomplete(columns: Mapping[str, Any], rows: list[int]) -> bool:
    return any(np.isnan(columns[option][rows]).any() for option in ("propensity", "clicked"))
