"""What a domain writes: a task, batched and free of randomness except where it draws its noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, tree_map


class Metric(NamedTuple):
    """An episode metric as a ratio of sums: over many episodes it is sum(numerator) / sum(denominator).

    A ``None`` denominator counts episodes, so the metric is a mean per episode.
    """

    name: str
    numerator: str  # a counter of the task, or "reward" or "length"
    denominator: str | None = None


class Task(ABC):
    """One e-commerce decision problem; axis 0 of every array is the copy.

    A subclass sets the attributes below in ``__init__`` and writes the methods. Nothing here draws except
    `draw_reset` and `draw_step`, which return noise of a fixed size from the given source; nothing
    mutates its arguments. `tables` holds every constant array; `bind` moves them to another backend, so
    the same lines run on NumPy and on torch tensors.

    A task in which some actions are not allowed may also have ``action_masks(state) -> (n, A) bool``; one
    whose reward is earned item by item, ``item_rewards(outcome) -> (n, N)``, which sum to the reward; one
    that knows what may follow a step, ``foresight()`` (`core.prospects.Foresight`), or even a step's worth
    before chance decides, ``expected_gain(discount)``: see `sb3.VecExpectedGain`.

    Attributes:
        observation_space: of one copy, flat float32 (`LayoutBox` where there is a history).
        action_space: of one copy: Discrete, MultiDiscrete or Box[-1, 1].
        horizon: steps after which an episode is truncated.
        reward_weights: term name -> weight; the reward is the weighted sum of the named terms.
        tables: NamedTuple of constant arrays, or None.
        metrics: what to report per episode, from `counters`.
    """

    observation_space: spaces.Box
    action_space: spaces.Space[Any]
    horizon: int
    reward_weights: Mapping[str, float]
    tables: Any = None
    metrics: ClassVar[tuple[Metric, ...]] = ()
    #: Fields of `info` beside the reward terms, e.g. ``("slate",)``; produced by `report`.
    reported: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def draw_reset(self, source: Backend, n: int) -> Any:
        """Draw the noise that starts n episodes: an array or a NamedTuple of (n, ...) arrays."""

    @abstractmethod
    def draw_step(self, source: Backend, n: int) -> Any:
        """Draw the noise of one step of n copies, the same amount whatever the state."""

    @abstractmethod
    def initial_state(self, noise: Any) -> Any:
        """Return the state (NamedTuple of (n, ...) arrays) in which n episodes start."""

    @abstractmethod
    def step(self, state: Any, action: Array, noise: Any) -> tuple[Any, Any]:
        """Advance n copies; return (State, Outcome). Pure."""

    @abstractmethod
    def observe(self, state: Any) -> Array:
        """Return (n, d) float32 observations: only what the agent may know."""

    @abstractmethod
    def terms(self, outcome: Any) -> dict[str, Array]:
        """Return the named reward terms, each (n,) float32."""

    @abstractmethod
    def terminated(self, outcome: Any) -> Array:
        """Return (n,) bool: the episode ended by itself (not by the horizon)."""

    def counters(self, outcome: Any) -> dict[str, Array]:
        """Return (n,) quantities to be summed over an episode for `metrics`."""
        return self.terms(outcome)

    def report(self, outcome: Any) -> dict[str, Array]:
        """Return (n, ...) arrays to show in `info`; keys are `reported`."""
        return {}

    def frame(self, state: Any, outcome: Any | None, row: int, mode: str) -> Any:
        """Return a picture ((480, 640, 3) uint8, mode "rgb_array") or a text (mode "ansi") of copy `row`."""
        raise NotImplementedError(f"{type(self).__name__} draws no picture")

    def bind(self, asarray: Callable[[Any], Array]) -> Task:
        """Return this task with its tables converted by `asarray` (another backend or device)."""
        other = copy(self)
        other.tables = tree_map(asarray, self.tables)
        return other

    def reward(self, terms: Mapping[str, Array]) -> Array:
        """Return the (n,) reward: the weighted sum of the named terms."""
        total = None
        for name, weight in self.reward_weights.items():
            if weight:
                part = terms[name] if weight == 1.0 else terms[name] * weight
                total = part if total is None else total + part
        return next(iter(terms.values())) * 0.0 if total is None else total


def check_reward_weights(weights: Mapping[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """Return the weights as floats.

    Raises:
        ValueError: on an unknown term (the known ones are listed) or a weight that is not finite.
    """
    for name, weight in weights.items():
        if name not in known:
            raise ValueError(
                f"reward_weights names an unknown term {name!r}; known terms: {', '.join(known)}"
            )
        if not np.isfinite(weight):
            raise ValueError(f"reward_weights[{name!r}] must be finite, got {weight}")
    return {name: float(weight) for name, weight in weights.items()}
