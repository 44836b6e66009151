"""Base of tasks whose stock report shows the whole hidden state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.task import Task, check_reward_weights
from sb3_ecom.core.tracker import StateTracker, TaskTables
from sb3_ecom.envs.inventory.arithmetic import never
from sb3_ecom.envs.inventory.demand import sample


class StockReportTracker:
    """Keeps the last stock report as it is; a subclass decodes actions and makes observations of it.

    The event is the report when a period opens: units on hand, and on order by arrival. Only the demand to
    come is hidden.
    """

    def open(self, event: Any, tables: Any) -> Any:
        """Return the report with which n episodes open."""
        return event

    def note(self, tracked: Any, decision: Any, event: Any, tables: Any) -> Any:
        """Return the report after the period."""
        return event


class _Dynamics(Protocol):
    """The functions of a task's module `dynamics`."""

    def hidden_tables(self, params: Any, /) -> Any:
        """Return the simulator's constant arrays, the demand's `cdf` among them."""

    def start(self, noise: Any, params: Any, tables: Any, /) -> Any:
        """Return the inventory in which n episodes start."""

    def step(self, state: Any, decision: Any, noise: Any, params: Any, tables: Any, /) -> tuple[Any, Any]:
        """Return (inventory, outcome) after a period."""


class _Rewards(Protocol):
    """The functions of a task's module `rewards`."""

    @property
    def TERMS(self) -> tuple[str, ...]:  # noqa: N802 - the module's constant
        """Names of the terms."""

    def reward_terms(self, outcome: Any, tables: Any, /) -> dict[str, Array]:
        """Return the signed money of a period."""


class StockReportTask(Task):
    """Base of the tasks whose hidden state is the inventory, all of which the stock report shows.

    Attributes:
        dynamics: the task's module of that name.
        rewards: the task's module of that name.
        charges: field of `params` that holds a cost or price -> reward term that charges it.

    Args:
        params: of the task.
        horizon: periods of an episode.
        action_space: of one copy.
        observation_space: of one copy.
        tracker: of stock reports.
        public: constants that the shop knows; the hidden ones are `dynamics.hidden_tables(params)`.
        reward_weights: term -> weight; all 1 by default.

    Raises:
        ValueError: on an unknown reward term.
    """

    dynamics: _Dynamics
    rewards: _Rewards
    charges: ClassVar[Mapping[str, str]]
    past_shown: ClassVar[int] = 40  # periods of a picture

    def __init__(
        self,
        params: Any,
        horizon: int,
        action_space: spaces.Space[Any],
        observation_space: spaces.Box,
        tracker: StateTracker,
        public: Any,
        reward_weights: Mapping[str, float] | None,
    ) -> None:
        self.params, self.horizon = params, horizon
        self.action_space, self.observation_space = action_space, observation_space
        self.tracker = tracker
        self.tables = TaskTables(self.dynamics.hidden_tables(params), public)
        self.reward_weights = check_reward_weights(reward_weights, self.rewards.TERMS)

    def weighted_params(self) -> Any:
        """Return the parameters at the costs that the reward charges: each times the weight of its term.

        Orders keep their limits, whatever these were made of.

        Raises:
            ValueError: if a weight leaves a cost that the model can not have: free stock, say.
        """
        if all(self.reward_weights.get(term, 0.0) == 1.0 for term in self.charges.values()):
            return self.params
        changes = {
            field: _times(getattr(self.params, field), self.reward_weights.get(term, 0.0))
            for field, term in self.charges.items()
        }
        if hasattr(self.params, "max_order"):
            changes["max_order"] = self.params.order_limit
        try:
            return replace(self.params, **changes)
        except ValueError as error:
            weights = dict(self.reward_weights)
            raise ValueError(
                f"reward_weights must leave costs with an optimum, got {weights}: {error}"
            ) from error

    def tuning_params(self) -> Any:
        """Return what rules are tuned for: `weighted_params`, or `params` where these have none."""
        try:
            return self.weighted_params()
        except ValueError:
            return self.params

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw the units on hand at the start, as U[0, 1)."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.hidden.cdf, source.uniform((n,)))

    def start(self, noise: Array) -> tuple[Any, Any]:
        """Return the inventory at the start and the stock report, which shows all of it."""
        inventory = self.dynamics.start(noise, self.params, self.tables.hidden)
        return inventory, inventory

    def simulate(self, hidden: Any, decision: Any, noise: Array) -> tuple[Any, Any]:
        """Place the orders and let a period pass."""
        return self.dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Any, outcome: Any) -> Any:
        """Return the stock report after the period."""
        return hidden

    def terms(self, outcome: Any) -> dict[str, Array]:
        """Return the signed money of the period."""
        return self.rewards.reward_terms(outcome, self.tables.public)

    def terminated(self, outcome: Any) -> Array:
        """Return false everywhere: the business never closes."""
        return never(outcome.demand)


def _times(cost: Any, weight: float) -> Any:
    return tuple(part * weight for part in cost) if isinstance(cost, tuple) else cost * weight
