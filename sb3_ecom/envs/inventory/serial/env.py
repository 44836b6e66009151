"""EcomSerial-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.serial import dynamics, rewards
from sb3_ecom.envs.inventory.serial.params import SerialParams
from sb3_ecom.envs.inventory.serial.render import render
from sb3_ecom.envs.inventory.serial.tracker import SerialTracker, public_tables
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class SerialTask(StockReportTask):
    """Order for every stage of a serial chain; customers wait where the retailer's shelf is empty.

    Observation: stock on hand of each stage (retailer first), customers' backlog, units each upper stage owes
        the one below, and units under way (stage by stage, next to arrive first), all divided by twice the
        mean demand; (2 * stages + sum(lead_times - 1),) float32.
    Action: Box[-1, 1]^stages, each stage's order: -1 is none, 1 is `params.order_limit` units, rounded.
        Orders are cut at `params.position_limits`, far above any optimum.
    Reward: minus the period's costs: "holding" (stock, and units in transit between stages) and "penalty"
        (backlog), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: Clark and Scarf (1960), Management Science 6(4); Snyder and Shen (2019), example 6.1 with Poisson
        demand.
    Versions: v0.
    """

    tracker: SerialTracker
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {"echelon_holding": "holding", "penalty": "penalty"}
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("backlog_per_period", "backlog", "length"),
    )
    step_info_keys = ("orders", "demand", "held", "backlog")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        params = SerialParams(**kwargs)
        limits = (params.order_limit, params.position_limits)
        actions = spaces.Box(-1.0, 1.0, (params.stages,), np.float32)
        observations = spaces.Box(0.0, 1e4, (params.stages + sum(params.lead_times),), np.float32)
        tracker = SerialTracker(params.demand_mean, params.lead_times, *limits)
        public = public_tables(params)
        super().__init__(params, params.horizon, actions, observations, tracker, public, reward_weights)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw each stage's units on hand at the start, as U[0, 1)."""
        return source.uniform((n, self.params.stages))

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return costs and units to be summed."""
        return {
            "cost": -(terms["holding"] + terms["penalty"]),
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "backlog": outcome.backlog,
        }

    def render(
        self, state: State, outcome: Any | None, row: int, mode: str, past: Sequence[Frame] = ()
    ) -> Any:
        """Draw stocks, flows and money of the last periods of one copy, and what stands where now."""
        return render(self.params, self.tables, state, outcome, row, mode, past)

    def to_state(self, observation: Array) -> dynamics.State:
        """Return the stock report that an observation shows, in whole units."""
        return self.tracker.to_state(observation)

    def to_action(self, orders: Array) -> Array:
        """Return the action that places `orders`, (n, stages) units."""
        return self.tracker.to_action(orders)
