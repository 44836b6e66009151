"""Reads decision logs (`sb3_ecom.live.decision_log`) as visits with their pages and clicks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    bought: bool
    fallback: str | None
    shadow: tuple[str, ...]  # what the policy would have shown while a rule served
    features: str  # hash of the observation


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
            bought=bool(reward.get("bought", False)),
            fallback=row["fallback"],
            shadow=tuple(row["shadow"] or ()),
            features=row["features"],
        )
        _, pages = visits.setdefault(row["visit"], (json.loads(row["context"]), []))
        pages.append(page)
    return [
        Visit(visit=name, context=context, pages=tuple(pages)) for name, (context, pages) in visits.items()
    ]
