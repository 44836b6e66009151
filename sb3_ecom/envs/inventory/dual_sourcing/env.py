"""EcomDualSourcing-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.arithmetic import never
from sb3_ecom.envs.inventory.demand import sample
from sb3_ecom.envs.inventory.dual_sourcing import dynamics
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.dual_sourcing.render import render
from sb3_ecom.envs.inventory.dual_sourcing.rewards import TERMS, costs, reward_terms
from sb3_ecom.envs.inventory.dual_sourcing.tracker import DualSourcingTracker, public_tables
from sb3_ecom.envs.inventory.markov import Units


class DualSourcingTask(Task):
    """Order one item from a cheap slow supplier and from a dear one that delivers at once.

    Observation: net stock (negative = backlog) and each regular order under way (next to arrive first),
        divided by twice the mean demand; (regular_lead_time,) float32.
    Action: MultiDiscrete, units from the regular and from the express supplier; with ``action="joint"`` (for
        learners of one value per action) Discrete, regular * (order_limit + 1) + express. Orders are cut,
        regular first, where stock plus pipeline would pass `params.position_limit`, far above any optimum.
    Reward: minus the period's costs: units bought ("regular", "express"), "holding" (stock left over) and
        "penalty" (backlog), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: Gijsbrechts et al. (2022), "Can deep reinforcement learning improve inventory management?",
        Manufacturing & Service Operations Management 24(3); the small instances with demand on 0..4.
    Versions: v0.
    """

    tracker: DualSourcingTracker
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("express_share", "express_units", "ordered"),
    )
    step_info_keys = ("regular", "express", "demand", "left", "waiting")

    def __init__(
        self,
        *,
        action: Literal["pair", "joint"] = "pair",
        reward_weights: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice("action", action, ("pair", "joint"))
        self.params = params = DualSourcingParams(**kwargs)
        self.horizon = params.horizon
        choices = params.order_limit + 1
        pair = spaces.MultiDiscrete([choices, choices])
        self.action_space = pair if action == "pair" else spaces.Discrete(choices**2)
        self.observation_space = spaces.Box(-1e4, 1e4, (params.regular_lead_time,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.tracker = DualSourcingTracker(params.demand_mean, params.order_limit, action == "joint")
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
        self, hidden: dynamics.State, decision: dynamics.Orders, noise: Array
    ) -> tuple[dynamics.State, dynamics.Outcome]:
        """Place both orders, meet the demand."""
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
        charged = costs(outcome, self.tables.public)
        return {
            "cost": charged.total,
            "holding_cost": charged.holding,
            "penalty_cost": charged.penalty,
            "express_units": outcome.express,
            "ordered": outcome.express + outcome.regular,
        }

    def step_info(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, left and waiting."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: dynamics.Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, pipeline and the last period of one copy."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def units(self, observation: Array) -> Units:
        """Return the (n, regular_lead_time) net stock and pipeline that an observation shows."""
        return self.tracker.units(observation)

    def to_action(self, orders: Units) -> Units:
        """Return the action that places `orders`, (n, 2) units from the regular and express supplier."""
        return self.tracker.to_action(orders)
