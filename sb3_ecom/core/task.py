"""Base class of tasks, batched and free of randomness except where they draw their noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, tree_map
from sb3_ecom.core.checks import check_weights
from sb3_ecom.core.tracker import State, StateTracker, TaskTables
from sb3_ecom.core.transition_model import ExpectedAdvantage, TransitionModel

_Params = TypeVar("_Params")


class Metric(NamedTuple):
    """An episode metric as a ratio of sums: over many episodes it is sum(numerator) / sum(denominator).

    A ``None`` denominator counts episodes, so the metric is a mean per episode.
    """

    name: str
    numerator: str  # a counter of the task, or "reward" or "length"
    denominator: str | None = None


class Task(ABC):
    """One e-commerce decision problem, simulated for n copies at once; axis 0 of every array is the copy.

    A subclass sets the attributes below in ``__init__`` and writes the abstract methods. Nothing here draws
    except `draw_reset` and `draw_step`, which return noise of a fixed size from the given source; nothing
    mutates its arguments, and no array of a state is also held by a table or an outcome. `tables` holds every
    constant array; `bind` moves them to another backend, so the same lines run on NumPy and on torch tensors.

    What a task may offer beside it is said by protocols: `MaskedTask`, `ItemRewardTask`,
    `ModelledTask`, `AdvantageTask`, `PastTask`.

    Attributes:
        observation_space: of one copy, flat float32 (`LayoutBox` where there is a history).
        action_space: of one copy: Discrete, MultiDiscrete or Box[-1, 1].
        horizon: steps after which an episode is truncated.
        reward_weights: term name -> weight; the reward is the weighted sum of the named terms.
        tracker: public events -> observations; actions -> decisions.
        tables: hidden and public constants.
        metrics: what to report per episode, from `counters`.
        step_info_keys: fields of `info` beside the reward terms, as `step_info` returns them.
    """

    observation_space: spaces.Box
    action_space: spaces.Space[Any]
    horizon: int
    reward_weights: Mapping[str, float]
    tracker: StateTracker
    tables: Any = TaskTables(None, None)
    metrics: ClassVar[tuple[Metric, ...]] = ()
    step_info_keys: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def draw_reset(self, source: Backend, n: int) -> Any:
        """Draw the noise that starts n episodes: an array or a NamedTuple of (n, ...) arrays."""

    @abstractmethod
    def draw_step(self, source: Backend, n: int) -> Any:
        """Draw the noise of one step of n copies, the same amount whatever the state."""

    @abstractmethod
    def start(self, noise: Any) -> tuple[Any, Any]:
        """Return the hidden state in which n episodes start and the public event that opens them."""

    @abstractmethod
    def simulate(self, hidden: Any, decision: Any, noise: Any) -> tuple[Any, Any]:
        """Advance n copies; return (hidden state, outcome). Pure."""

    @abstractmethod
    def public_event(self, hidden: Any, outcome: Any) -> Any:
        """Return what the shop itself sees of a step; `hidden` is the state after it."""

    def initial_state(self, noise: Any) -> Any:
        """Return the state in which n episodes start."""
        hidden, event = self.start(noise)
        return State(hidden, self.tracker.open(event, self.tables.public))

    def step(self, state: Any, action: Array, noise: Any) -> tuple[Any, Any]:
        """Decode the actions, advance n copies and take note; return (state, outcome). Pure."""
        tracker, public = self.tracker, self.tables.public
        decision = tracker.decode(state.tracked, action, public)
        hidden, outcome = self.simulate(state.hidden, decision, noise)
        event = self.public_event(hidden, outcome)
        return State(hidden, tracker.note(state.tracked, decision, event, public)), outcome

    def observe(self, state: Any) -> Array:
        """Return (n, d) float32 observations: a function of the tracked state alone."""
        return self.tracker.observe(state.tracked, self.tables.public)

    @abstractmethod
    def terms(self, outcome: Any) -> dict[str, Array]:
        """Return the named reward terms, each (n,) float32."""

    @abstractmethod
    def terminated(self, outcome: Any) -> Array:
        """Return (n,) bool: the episode ended by itself (not by the horizon)."""

    def counters(self, outcome: Any, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return (n,) quantities to be summed over an episode for `metrics`; `terms`: those of the step."""
        return dict(terms)

    def step_info(self, outcome: Any) -> dict[str, Array]:
        """Return (n, ...) arrays to show in `info`: the outcome's fields of `step_info_keys`."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: Any, outcome: Any | None, row: int, mode: str) -> Any:
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


@runtime_checkable
class MaskedTask(Protocol):
    """A task in which some actions are not allowed now and then."""

    def action_masks(self, state: Any) -> Array:
        """Return (n, A) bool: the actions that are allowed."""


@runtime_checkable
class ItemRewardTask(Protocol):
    """A task whose reward is earned item by item."""

    def item_rewards(self, outcome: Any) -> Array:
        """Return (n, N) rewards; they sum to the reward."""


@runtime_checkable
class ModelledTask(Protocol):
    """A task that knows the chances of what may follow a step."""

    def transition_model(self) -> TransitionModel:
        """Return the model, for critics that take expectations."""


@runtime_checkable
class AdvantageTask(Protocol):
    """A task that knows the advantage of a step before chance decides."""

    def expected_advantage(self, discount: float) -> ExpectedAdvantage:
        """Return what tells it."""


@runtime_checkable
class PastTask(Protocol):
    """A task whose picture shows the steps before, which its state does not keep."""

    @property
    def past_shown(self) -> int:
        """Earlier steps that a picture shows, >= 1."""

    def render(
        self, state: Any, outcome: Any | None, row: int, mode: str, past: Sequence[tuple[Any, Any]] = ()
    ) -> Any:
        """Return a picture or a text of copy `row`; `past`: its earlier (state, outcome), oldest first."""


def make_params(task: str, make: Callable[..., _Params], /, *args: Any, **values: Any) -> _Params:
    """Return ``make(*args, **values)``: the parameters of a task of that name.

    Raises:
        ValueError: on a parameter that the task does not have, or a value out of its bounds.
    """
    try:
        return make(*args, **values)
    except TypeError as error:
        raise ValueError(f"unknown parameter of {task}: {error}") from error


def check_reward_weights(
    weights: Mapping[str, float] | None,
    known: tuple[str, ...],
    default: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the weights as floats; where none are given, the default, or 1 for every known term.

    Raises:
        ValueError: if `weights` is no mapping, on an unknown term (the known ones are listed) or a weight
            that is not finite or out of bounds.
    """
    if weights is None:
        weights = dict.fromkeys(known, 1.0) if default is None else default
    check_weights("reward_weights", weights, known)
    return {name: float(weight) for name, weight in weights.items()}
