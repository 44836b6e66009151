"""State trackers: what an agent may know, as a fold over public events.

The simulator emits events; so does a real shop. A tracker opens on a first event, takes note of every
decision and of the event that follows it, and makes the observation. Nothing hidden can leak into an
observation, since nothing hidden reaches a tracker, and the code that makes the observation in training
serves the policy live.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from sb3_ecom.core.arrays import Array


class State(NamedTuple):
    """State of n episodes; every leaf is an (n, ...) array."""

    hidden: Any  # of the simulator: customers, markets, goods; no policy sees it
    tracked: Any  # of the tracker: follows from public events alone


class TaskTables(NamedTuple):
    """Constant arrays of a task."""

    hidden: Any  # how customers and markets behave; None where nothing of it is an array
    public: Any  # what the shop knows about its own items, suppliers and calendar; None where there is none


class StateTracker(Protocol):
    """Turns public events into observations, and actions into decisions.

    All methods are pure and batched; axis 0 of every array is the copy. `tables` are the public tables of the
    task. A tracker holds public parameters only.
    """

    def open(self, event: Any, tables: Any) -> Any:
        """Return the tracked state of n episodes that begin with `event`."""

    def decode(self, tracked: Any, action: Array, tables: Any) -> Any:
        """Return the decisions (slates, bids, orders) that (n, ...) actions stand for."""

    def note(self, tracked: Any, decision: Any, event: Any, tables: Any) -> Any:
        """Return the tracked state after a decision and the event that it led to."""

    def observe(self, tracked: Any, tables: Any) -> Array:
        """Return (n, d) float32 observations."""
