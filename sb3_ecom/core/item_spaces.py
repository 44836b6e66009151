"""Public descriptions of the items, item blocks and candidates behind an observation or action space."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array


class ItemSignature(NamedTuple):
    """Floats of a history step that identify its item, and their values for each item."""

    columns: tuple[int, ...]  # features of a step
    values: Array  # (N, len(columns)) float32; no two rows alike


class Items(NamedTuple):
    """Public catalogue of the items that a policy can choose among; never hidden truth."""

    features: Array  # (N, f) float32, O(1)
    log_popularity: Array  # (N,) float32, log share of past clicks
    closed: slice | None  # floats of the observation that are 1 where the item can no longer be chosen
    signs: ItemSignature | None = None  # how to recognise an item in the history


class Blocks(NamedTuple):
    """Blocks of floats that belong to each of N items, which are all looked at alike.

    The context is ``shared`` floats, then blocks of N floats, one float per item; a step of the history is
    its validity, then such blocks.
    """

    shared: int  # floats
    items: int  # N
    catalogue: Array  # (N, f) float32, O(1): what is publicly known of each item


class Candidates(NamedTuple):
    """Where the context describes what can be chosen now: ``choices`` rows of ``features`` floats.

    Row i is the public description of choice i of a MultiDiscrete([choices] * K) or Discrete(choices)
    action. Behind the rows stand ``columns`` blocks of ``choices`` floats, one float per choice.
    """

    start: int  # first float of the first row
    choices: int  # m
    features: int  # floats of a row
    columns: int = 0

    @property
    def width(self) -> int:
        """Floats that describe a choice."""
        return self.features + self.columns

    @property
    def stop(self) -> int:
        """First float behind the last block."""
        return self.start + self.choices * self.width
