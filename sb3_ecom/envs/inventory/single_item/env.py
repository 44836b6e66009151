"""EcomLostSales-v0 and EcomSetupCost-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.single_item import dynamics, rewards
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.render import render
from sb3_ecom.envs.inventory.single_item.tracker import SingleItemTracker, public_tables
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class SingleItemTask(StockReportTask):
    """Common base of lost sales and setup costs; each id documents its own subclass."""

    tracker: SingleItemTracker
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {
        "holding_cost": "holding",
        "penalty": "penalty",
        "fixed_cost": "ordering",
    }
    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("ordering_cost_per_period", "ordering_cost", "length"),
        Metric("unmet_share", "unmet", "demand"),
    )
    step_info_keys = ("order", "demand", "left", "unmet")

    def __init__(self, params: SingleItemParams, reward_weights: Mapping[str, float] | None = None) -> None:
        actions = spaces.Discrete(params.order_limit + 1)
        observations = spaces.Box(-1e4, 1e4, (max(params.lead_time, 1),), np.float32)
        tracker = SingleItemTracker(params.demand_mean)
        public = public_tables(params)
        super().__init__(params, params.horizon, actions, observations, tracker, public, reward_weights)

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return costs and units to be summed."""
        return {
            "cost": -(terms["holding"] + terms["penalty"] + terms["ordering"]),
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "ordering_cost": -terms["ordering"],
            "unmet": outcome.unmet,
            "demand": outcome.demand,
        }

    def render(
        self, state: State, outcome: Any | None, row: int, mode: str, past: Sequence[Frame] = ()
    ) -> Any:
        """Draw stocks, flows and money of the last periods of one copy, and what stands where now."""
        return render(self.params, self.tables, state, outcome, row, mode, past)

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
