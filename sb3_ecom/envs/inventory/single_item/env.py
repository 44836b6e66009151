"""EcomLostSales-v0 and EcomSetupCost-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.arithmetic import never
from sb3_ecom.envs.inventory.demand import sample
from sb3_ecom.envs.inventory.single_item import dynamics
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.render import render
from sb3_ecom.envs.inventory.single_item.rewards import TERMS, costs, reward_terms
from sb3_ecom.envs.inventory.single_item.tracker import SingleItemTracker, public_tables


class SingleItemTask(Task):
    """Common base of lost sales and setup costs; each id documents its own subclass."""

    tracker: SingleItemTracker
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("ordering_cost_per_period", "ordering_cost", "length"),
        Metric("unmet_share", "unmet", "demand"),
    )
    step_info_keys = ("order", "demand", "left", "unmet")

    def __init__(self, params: SingleItemParams, reward_weights: Mapping[str, float] | None = None) -> None:
        self.params = params
        self.horizon = params.horizon
        self.action_space = spaces.Discrete(params.order_limit + 1)
        self.observation_space = spaces.Box(-1e4, 1e4, (max(params.lead_time, 1),), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.tracker = SingleItemTracker(params.demand_mean)
        self.tables = TaskTables(dynamics.hidden_tables(params), public_tables(params))

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw the units on hand at the start, as U[0, 1)."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.hidden.cdf, source.uniform((n,)))

    def start(self, noise: Array) -> tuple[dynamics.State, dynamics.State]:
        """Return the inventory at the start and the stock report, which shows all of it."""
        inventory = dynamics.start(noise, self.params, self.tables.hidden)
        return inventory, inventory

    def simulate(
        self, hidden: dynamics.State, decision: Array, noise: Array
    ) -> tuple[dynamics.State, dynamics.Outcome]:
        """Place the order, meet the demand."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: dynamics.State, outcome: dynamics.Outcome) -> dynamics.State:
        """Return the stock report after the period."""
        return hidden

    def terms(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        return reward_terms(outcome, self.tables.public)

    def terminated(self, outcome: dynamics.Outcome) -> Array:
        """Return false everywhere: the shop never closes."""
        return never(outcome.left)

    def counters(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        holding, penalty, ordering = costs(outcome, self.tables.public)
        return {
            "cost": holding + penalty + ordering,
            "holding_cost": holding,
            "penalty_cost": penalty,
            "ordering_cost": ordering,
            "unmet": outcome.unmet,
            "demand": outcome.demand,
        }

    def step_info(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, left and unmet."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: dynamics.Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, pipeline and the last period of one copy."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def units(self, observation: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the (n, max(lead_time, 1)) units on hand and in the pipeline that an observation shows."""
        return self.tracker.units(observation)


class LostSalesTask(SingleItemTask):
    """Order one item each period; demand that meets an empty shelf is lost.

    Observation: stock on hand and each order under way (next to arrive first), divided by twice the mean
        demand; (lead_time,) float32.
    Action: Discrete, units to order. An order is cut where stock plus pipeline would pass
        `params.position_limit`, far above any optimal position.
    Reward: minus the period's costs: holding (on stock left over) and penalty (on lost demand), in cost
        units; "ordering" is 0.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: Zipkin (2008), "Old and new methods for lost-sales inventory systems", Operations Research 56(5).
    Versions: v0.
    """

    def __init__(
        self,
        *,
        demand: str = "poisson",
        demand_mean: float = 5.0,
        lead_time: int = 4,
        penalty: float = 4.0,
        holding_cost: float = 1.0,
        max_order: int | None = None,
        horizon: int = 100,
        reward_weights: Mapping[str, float] | None = None,
    ) -> None:
        params = SingleItemParams(
            demand=demand,
            demand_mean=demand_mean,
            lead_time=lead_time,
            penalty=penalty,
            holding_cost=holding_cost,
            max_order=max_order,
            horizon=horizon,
        )
        super().__init__(params, reward_weights)


class SetupCostTask(SingleItemTask):
    """Order one item each period; every order costs a fixed amount, so orders come in batches.

    Observation: net stock (negative = backlog) and each order under way, divided by twice the mean demand;
        (max(lead_time, 1),) float32.
    Action: Discrete, units to order. An order is cut where stock plus pipeline would pass
        `params.position_limit`, far above any optimal position.
    Reward: minus the period's costs: holding (on stock left over), penalty (on backlog, or on lost demand
        with ``unmet="lost"``) and ordering (the fixed cost of a positive order), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: Zheng and Federgruen (1991), "Finding optimal (s, S) policies is about as simple as evaluating a
        single policy", Operations Research 39(4).
    Versions: v0.
    """

    def __init__(
        self,
        *,
        demand: str = "poisson",
        demand_mean: float = 10.0,
        lead_time: int = 2,
        penalty: float = 9.0,
        holding_cost: float = 1.0,
        fixed_cost: float = 64.0,
        unmet: Any = "backlog",
        max_order: int | None = None,
        horizon: int = 100,
        reward_weights: Mapping[str, float] | None = None,
    ) -> None:
        params = SingleItemParams(
            demand=demand,
            demand_mean=demand_mean,
            lead_time=lead_time,
            penalty=penalty,
            holding_cost=holding_cost,
            fixed_cost=fixed_cost,
            unmet=unmet,
            max_order=max_order,
            horizon=horizon,
        )
        super().__init__(params, reward_weights)
