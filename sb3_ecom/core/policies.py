"""Optional abilities of a batched policy, as protocols: following episode ends, being offset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from sb3_ecom.core.arrays import Array


@runtime_checkable
class EpisodeAware(Protocol):
    """A policy that remembers something of an episode, and forgets it at the episode's end."""

    def episode_ended(self, rows: Array) -> None:
        """Forget what belongs to the (k,) copies whose next observation opens a new episode."""


def end_notice(policy: Any) -> Callable[[Array], None]:
    """Return the function to call with the rows of copies whose episode ended; it may do nothing."""
    return policy.episode_ended if isinstance(policy, EpisodeAware) else _do_nothing


def _do_nothing(rows: Array) -> None:
    """Stand in for the notice of a policy that remembers nothing."""


@runtime_checkable
class ResidualRule(Protocol):
    """A baseline whose action a learned policy can offset.

    `features` comes first, once a step; `act` then gives the actions in that state.
    """

    num_offsets: int  # floats of an offset; 0 leaves the rule as it is
    num_features: int  # floats that `features` returns, O(1)

    def features(self, observation: Array) -> Array:
        """Take in (n, d) observations; return (n, num_features) float32: estimates and plans."""

    def act(self, shift: Array) -> Array:
        """Return the (n, ...) actions, shifted by (n, num_offsets)."""


@runtime_checkable
class RememberingRule(Protocol):
    """A rule that can hand over what it remembers of the running episodes."""

    def memory(self) -> dict[str, Array]:
        """Return all that the next `features` depends on beside its observations, by name."""

    def recall(self, memory: Mapping[str, Array]) -> None:
        """Take over what another rule of the same making remembered."""


@runtime_checkable
class OffsetRule(Protocol):
    """A baseline that takes the offsets of its action beside the observation, and keeps no state."""

    num_offsets: int  # floats of an offset per item

    def __call__(self, observation: Array, shift: Any = None) -> Array:
        """Return the (n, ...) actions of (n, d) observations, shifted by (n, items x num_offsets)."""


@runtime_checkable
class TunedRule(Protocol):
    """A baseline whose constants were searched for; a model that builds on it keeps them."""

    constants: Mapping[str, Any]  # numbers, texts and lists, as JSON takes them


@runtime_checkable
class TunedMaker(Protocol):
    """Makes a `TunedRule` by a search, or from constants that were found before."""

    def __call__(self, task: Any) -> Any:
        """Search, and return the rule."""

    def fits(self, task: Any, constants: Mapping[str, Any]) -> bool:
        """Return whether the constants were tuned for this task."""

    def from_constants(self, task: Any, constants: Mapping[str, Any]) -> Any:
        """Return the rule without a search."""
