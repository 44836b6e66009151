"""The last finished episodes, as sums that metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.evaluate import summarise
from sb3_ecom.core.task import Metric


class EpisodeWindow:
    """Counters of the last `size` finished episodes, and which items were shown while they ran.

    Args:
        size: episodes, >= 1.

    Attributes:
        finished: episodes added so far.

    Raises:
        ValueError: if `size` < 1.
    """

    def __init__(self, size: int) -> None:
        check_at_least("window", size, 1, "episode")
        self.size = size
        self.finished = 0
        self._columns: dict[str, Array] = {}  # counter -> (size,) ring
        self._shown_at = np.zeros(0, dtype=np.int64)  # item -> `finished` when last shown; -1 = never

    def add(self, totals: Mapping[str, Array]) -> None:
        """Add k episodes: counter -> (k,) sums, with "reward" and "length"."""
        k = len(totals["reward"])
        place = (self.finished + np.arange(k)) % self.size
        for name, values in totals.items():
            column = self._columns.setdefault(name, np.zeros(self.size))
            column[place[-self.size :]] = np.asarray(values)[-self.size :]
        self.finished += k

    def show(self, items: Array) -> None:
        """Note the items that were just shown, any shape; negative ids are empty slots."""
        items = np.asarray(items).ravel()
        highest = int(items.max(initial=-1))
        if highest >= len(self._shown_at):
            more = np.full(highest + 1 - len(self._shown_at), -1, dtype=np.int64)
            self._shown_at = np.concatenate([self._shown_at, more])
        self._shown_at[items[items >= 0] if items.min(initial=0) < 0 else items] = self.finished

    @property
    def items_shown(self) -> int:
        """Different items shown while the window's episodes finished."""
        return int(((self._shown_at >= 0) & (self._shown_at > self.finished - self.size)).sum())

    def metrics(self, metrics: Iterable[Metric]) -> dict[str, float]:
        """Return the task's metrics, ``return`` and ``session_length``; empty before the first episode."""
        count = min(self.finished, self.size)
        if not count:
            return {}
        totals = {name: column[:count] for name, column in self._columns.items()}
        basic = (Metric("return", "reward"), Metric("session_length", "length"))
        found = summarise((*metrics, *basic), totals)
        return {name: value for name, value in found.items() if np.isfinite(value)}
