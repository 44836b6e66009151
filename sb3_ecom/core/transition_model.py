"""What may follow a step, with its chances: for critics that take expectations instead of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sb3_ecom.core.arrays import Array


class Prospects(NamedTuple):
    """The B things that may come of a step; the state after each is described by F floats of order one."""

    chance: Array  # (n, B) probabilities, rows sum to 1
    reward: Array  # (n, B) expected reward in each case
    going_on: Array  # (n, B) probability that the episode then goes on
    after: Array  # (n, B, F) the state in which it goes on


class Foresight(Protocol):
    """Tells what may follow a step of a task; it sees the simulator's state, which no policy does.

    Attributes:
        size: F, floats of a description.
    """

    size: int

    def before(self, state: Any) -> Any:
        """Return what the methods below must know of a state; stays as it is when the state goes on."""

    def describe(self, before: Any) -> Array:
        """Return (n, F) float32 of order one, of all that matters for what is still to come."""

    def prospects(self, before: Any, report: Mapping[str, Array]) -> Prospects:
        """Return what may follow a step that began in `before` and whose info is `report`."""
