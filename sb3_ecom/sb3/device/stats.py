"""Sums that stay on the device during a rollout and are read once at its end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import Transition


class Tally(NamedTuple):
    """Counts since the last reading, on the host."""

    episodes: int  # ended
    totals: dict[str, float]  # counter, "reward", "length" -> sum over the ended episodes
    steps: int  # env steps, over all copies
    terms: dict[str, float]  # reward term -> sum over those steps, unweighted
    items: Array  # (k,) int64 items shown, sorted; empty where the task reports no slate


class DeviceStats:
    """Adds up the transitions of a rollout without asking the device for a number.

    Args:
        catalogue_size: items that a reported ``slate`` may show; 0 keeps no account of them.
    """

    def __init__(self, catalogue_size: int = 0) -> None:
        self._catalogue_size = catalogue_size
        self._sums: dict[str, Tensor] = {}
        self._shown: Tensor | None = None
        self._steps = 0

    def add(self, step: Transition) -> None:
        """Add one step of all copies."""
        done = step.terminated | step.truncated
        parts = {f"terms/{name}": values.sum() for name, values in step.terms.items()}
        for name, total in step.totals.items():
            parts[f"totals/{name}"] = torch.where(done, total, 0).sum()
        parts["episodes"] = done.sum()
        for name, value in parts.items():
            # float64: a sum over millions of episodes must not swallow the next one.
            self._sums[name] = self._sums[name] + value if name in self._sums else value.double()
        self._steps += done.shape[0]
        if self._catalogue_size and "slate" in step.step_info:
            self._mark(step.step_info["slate"])

    def read(self) -> Tally:
        """Fetch the sums (the rollout's one wait for the device) and start anew."""
        names = list(self._sums)
        values = torch.stack([self._sums[name] for name in names]).tolist() if names else []
        found = dict(zip(names, values, strict=True))
        items = np.zeros(0, dtype=np.int64)
        if self._shown is not None:
            items = np.flatnonzero(self._shown[:-1].cpu().numpy())
        stats = Tally(
            episodes=int(found.pop("episodes", 0)),
            totals=_part(found, "totals/"),
            steps=self._steps,
            terms=_part(found, "terms/"),
            items=items,
        )
        self._sums, self._shown, self._steps = {}, None, 0
        return stats

    def _mark(self, slate: Any) -> None:
        if self._shown is None:
            self._shown = torch.zeros(self._catalogue_size + 1, dtype=torch.bool, device=slate.device)
        ids = slate.long().flatten()
        outside = (ids < 0) | (ids >= self._catalogue_size)  # an empty slot; the last place takes them
        self._shown.index_fill_(0, torch.where(outside, self._catalogue_size, ids), True)


def _part(found: dict[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
