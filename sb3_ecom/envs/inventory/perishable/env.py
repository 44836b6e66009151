"""EcomPerishable-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.arithmetic import never
from sb3_ecom.envs.inventory.demand import sample
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.perishable import dynamics
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.perishable.render import render
from sb3_ecom.envs.inventory.perishable.rewards import TERMS, costs, reward_terms
from sb3_ecom.envs.inventory.perishable.tracker import PerishableTracker, public_tables


class PerishableTask(Task):
    """Order an item that spoils after `shelf_life` periods; demand that meets an empty shelf is lost.

    Observation: units on the shelf by remaining life (oldest first, fresh last) and each order under way
        (next to arrive first), divided by twice the mean demand; (shelf_life + lead_time - 1,) float32.
    Action: Discrete, units to order. An order is cut where stock plus pipeline would pass
        `params.position_limit`, far above any optimum.
    Reward: minus the period's costs: "ordering" (units ordered), "holding" (units kept), "penalty" (demand
        lost) and "waste" (units spoilt), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: De Moor, Gijsbrechts and Boute (2022), "Reward shaping to improve the performance of deep
        reinforcement learning in perishable inventory management", European Journal of Operational Research
        301(2); here with Poisson demand and the average-cost criterion.
    Versions: v0.
    """

    tracker: PerishableTracker
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("waste_cost_per_period", "waste_cost", "length"),
        Metric("wasted_share", "wasted", "ordered"),
        Metric("lost_share", "lost", "demand"),
    )
    step_info_keys = ("order", "demand", "lost", "wasted", "kept")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        self.params = params = PerishableParams(**kwargs)
        self.horizon = params.horizon
        width = params.shelf_life + params.lead_time - 1
        self.action_space = spaces.Discrete(params.order_limit + 1)
        self.observation_space = spaces.Box(0.0, 1e4, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.tracker = PerishableTracker(params.demand_mean)
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
        """Place the order, meet the demand, throw away what spoils."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: dynamics.State, outcome: dynamics.Outcome) -> dynamics.State:
        """Return the stock report after the period."""
        return hidden

    def terms(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        return reward_terms(outcome, self.tables.public)

    def terminated(self, outcome: dynamics.Outcome) -> Array:
        """Return false everywhere: the shop never closes."""
        return never(outcome.lost)

    def counters(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        charged = costs(outcome, self.tables.public)
        return {
            "cost": charged.total,
            "holding_cost": charged.holding,
            "penalty_cost": charged.penalty,
            "waste_cost": charged.waste,
            "wasted": outcome.wasted,
            "ordered": outcome.order,
            "lost": outcome.lost,
            "demand": outcome.demand,
        }

    def step_info(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, lost, wasted and kept."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: dynamics.Outcome | None, row: int, mode: str) -> Any:
        """Draw stock by age, the pipeline and the last period of one copy."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def units(self, observation: Array) -> Units:
        """Return the (n, shelf_life + lead_time - 1) units that an observation shows."""
        return self.tracker.units(observation)
