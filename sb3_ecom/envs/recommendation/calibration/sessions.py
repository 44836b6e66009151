"""Sessions of clicks as arrays, and the statistics by which two logs are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sb3_ecom.core.arrays import Array

_HAZARD_AT = (1, 2, 3, 5, 10, 20)  # clicks


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """A click log: E clicks of S sessions on N items, in the order of time within each session.

    Raises:
        ValueError: on an empty log, a wrong length, an item out of range or sessions out of order.
    """

    session: Array  # (E,) int, 0 .. S-1, never decreasing
    item: Array  # (E,) int, 0 .. N-1
    num_items: int  # N
    categories: Array | None = None  # (N,) int, 0 .. G-1; None: one category
    prices: Array | None = None  # (N,) currency units, > 0; None: all 1
    item_ids: tuple[str, ...] = ()  # N names; empty: their numbers

    def __post_init__(self) -> None:
        session, item = np.asarray(self.session), np.asarray(self.item)
        if session.size < 1 or session.shape != item.shape or session.ndim != 1:
            raise ValueError(
                f"session and item must be (E,) with E >= 1, got {session.shape} and {item.shape}"
            )
        if self.num_items < 2:
            raise ValueError(f"num_items must be >= 2, got {self.num_items}")
        if item.min() < 0 or item.max() >= self.num_items:
            raise ValueError(f"item must lie in [0, {self.num_items - 1}], got {item.min()} .. {item.max()}")
        steps = np.diff(session)
        if session[0] != 0 or (steps.size and not (steps.min() >= 0 and steps.max() <= 1)):
            raise ValueError("session must count 0, 1, 2, ... without gaps and never decrease")
        for name in ("categories", "prices"):
            array = getattr(self, name)
            if array is not None and np.asarray(array).shape != (self.num_items,):
                raise ValueError(f"{name} must have shape ({self.num_items},), got {np.asarray(array).shape}")
        if self.item_ids and len(self.item_ids) != self.num_items:
            raise ValueError(f"item_ids must hold {self.num_items} names, got {len(self.item_ids)}")

    @property
    def num_sessions(self) -> int:
        """S."""
        return int(self.session[-1]) + 1

    @property
    def starts(self) -> Array:
        """(S,) row of each session's first click."""
        return np.flatnonzero(np.r_[True, np.diff(self.session) > 0])

    @property
    def lengths(self) -> Array:
        """(S,) clicks of each session."""
        return np.diff(np.r_[self.starts, len(self.item)])

    def padded(self, rows: Array, longest: int) -> Array:
        """Return (len(rows), T) items of the given sessions, -1 where they have ended, T <= `longest`."""
        lengths = np.minimum(self.lengths[rows], longest)
        steps = np.arange(lengths.max())
        index = np.minimum(self.starts[rows][:, None] + steps, len(self.item) - 1)
        return np.where(steps < lengths[:, None], self.item[index], -1)


def batches(
    sessions: Sessions,
    rows: Array,
    longest: int,
    cells: int = 8_000_000,
    shuffle: np.random.Generator | None = None,
) -> list[Array]:
    """Cut sessions of two or more clicks into batches of like length, (B,) rows each.

    A batch has at most 128 sessions, and B x T x N <= `cells` as far as one session allows.
    """
    lengths = np.minimum(sessions.lengths[rows], longest)
    keep = lengths >= 2
    rows, lengths = rows[keep], lengths[keep]
    jitter = 0.0 if shuffle is None else 0.1 * shuffle.random(len(rows)) * lengths
    order = np.argsort(lengths + jitter, kind="stable")
    rows, lengths = rows[order], lengths[order]
    found, first = [], 0
    while first < len(rows):
        last = min(first + 128, len(rows))
        while (
            last - first > 1 and (last - first) * int(lengths[first:last].max()) * sessions.num_items > cells
        ):
            last = first + max(1, (last - first) // 2)
        found.append(rows[first:last])
        first = last
    if shuffle is not None:
        shuffle.shuffle(found)  # type: ignore[arg-type]
    return found


def statistics(sessions: Sessions) -> dict[str, float]:
    """Return the statistics that a calibrated simulator must reproduce.

    Hazards are the share of sessions that end after their k-th click among those that get there (0 where
    none does); shares are of all clicks.
    """
    lengths, item = sessions.lengths, np.asarray(sessions.item)
    same = np.diff(sessions.session) == 0
    again = float(np.mean(item[1:] == item[:-1], where=same)) if same.any() else 0.0
    found = {
        "clicks per session, mean": float(lengths.mean()),
        "clicks per session, median": float(np.median(lengths)),
        "clicks per session, CV": float(lengths.std() / lengths.mean()),
        "clicks per session, p95": float(np.quantile(lengths, 0.95)),
        "clicks per session, p99": float(np.quantile(lengths, 0.99)),
    }
    for k in _HAZARD_AT:
        found[f"exit hazard after {k} clicks"] = float(np.sum(lengths == k) / max(1, np.sum(lengths >= k)))
    if sessions.categories is not None and same.any():
        category = np.asarray(sessions.categories)[item]
        found["same category on the next click"] = float(np.mean(category[1:] == category[:-1], where=same))
    found["same item on the next click"] = again
    pairs = np.unique(np.asarray(sessions.session, dtype=np.int64) * sessions.num_items + item)
    found["distinct items per session"] = len(pairs) / sessions.num_sessions
    share = np.sort(np.bincount(item, minlength=sessions.num_items))[::-1] / len(item)
    found["top 10 items' share of clicks"] = float(share[:10].sum())
    found["top 50 items' share of clicks"] = float(share[:50].sum())
    return found
