"""EcomDistribution-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.distribution import dynamics, rewards
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.distribution.render import render
from sb3_ecom.envs.inventory.distribution.rewards import reward_terms
from sb3_ecom.envs.inventory.distribution.tracker import DistributionTracker, public_tables
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class DistributionTask(StockReportTask):
    """Buy for a warehouse and share its stock out among retailers who cannot help each other.

    Observation: stock of the warehouse and orders on their way to it (next to arrive first), over twice the
        mean demand of all retailers; then for each retailer its net stock (negative = backlog) and the
        shipments on their way (next to arrive first), over twice its own mean demand; (warehouse_lead_time +
        retailers * retailer_lead_time,) float32.
    Action: Box[-1, 1]^(1 + retailers): the warehouse's order and the shipment to each retailer; -1 is none, 1
        is `params.order_limit` or the retailer's own of `params.shipment_limits`, rounded to whole units.
        Where the shipments exceed the warehouse's stock, all are cut by the same factor. Orders are cut at
        `params.position_limit`, shipments at `params.retailer_limits`, both far above any optimum.
    Reward: minus the period's costs: "warehouse" (stock kept there), "holding" (stock left at the retailers)
        and "penalty" (backlog, or lost demand with ``unmet="lost"``), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: the problem of Federgruen and Zipkin (1984), "Approximations of dynamic, multilocation production
        and inventory problems", Management Science 30(1); costs of the test bed of Kaynov et al. (2024),
        "Deep reinforcement learning for one-warehouse multi-retailer inventory management", International
        Journal of Production Economics 267.
    Versions: v0.
    """

    tracker: DistributionTracker
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {
        "warehouse_holding": "warehouse",
        "retailer_holding": "holding",
        "penalty": "penalty",
    }
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("warehouse_cost_per_period", "warehouse_cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("stock_in_warehouse", "kept", "length"),
    )
    step_info_keys = ("order", "shipped", "demand", "left", "unmet")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        params = DistributionParams(**kwargs)
        width = params.warehouse_lead_time + params.retailers * params.retailer_lead_time
        actions = spaces.Box(-1.0, 1.0, (1 + params.retailers,), np.float32)
        observations = spaces.Box(-1e4, 1e4, (width,), np.float32)
        tracker = DistributionTracker(
            total_mean=params.total_mean,
            order_limit=params.order_limit,
            position_limit=params.position_limit,
            warehouse_lead_time=params.warehouse_lead_time,
            retailer_lead_time=params.retailer_lead_time,
        )
        public = public_tables(params)
        super().__init__(params, params.horizon, actions, observations, tracker, public, reward_weights)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw the units on hand at every place at the start, as U[0, 1)."""
        return source.uniform((n, 1 + self.params.retailers))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n, N) whole units."""
        return dynamics.draw_demand(source.uniform((n, self.params.retailers)), self.tables.hidden)

    def terms(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        return reward_terms(outcome, self.params)

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return costs and units to be summed."""
        return {
            "cost": -(terms["warehouse"] + terms["holding"] + terms["penalty"]),
            **{f"{term}_cost": -amount for term, amount in terms.items()},
            "kept": outcome.kept,
        }

    def render(
        self, state: State, outcome: Any | None, row: int, mode: str, past: Sequence[Frame] = ()
    ) -> Any:
        """Draw stocks, flows and money of the last periods of one copy, and what stands where now."""
        return render(self.params, self.tables, state, outcome, row, mode, past)

    def to_state(self, observation: Array) -> dynamics.State:
        """Return the stock reports that an observation shows, in whole units."""
        return self.tracker.to_state(observation, self.tables.public)

    def to_action(self, orders: dynamics.Orders) -> Array:
        """Return the action that places the orders."""
        return self.tracker.to_action(orders, self.tables.public)
