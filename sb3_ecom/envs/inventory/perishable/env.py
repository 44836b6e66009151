"""EcomPerishable-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.perishable import dynamics, rewards
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.perishable.render import render
from sb3_ecom.envs.inventory.perishable.tracker import PerishableTracker, public_tables
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class PerishableTask(StockReportTask):
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
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {
        "order_cost": "ordering",
        "holding_cost": "holding",
        "penalty": "penalty",
        "waste_cost": "waste",
    }
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
        params = PerishableParams(**kwargs)
        actions = spaces.Discrete(params.order_limit + 1)
        observations = spaces.Box(0.0, 1e4, (params.shelf_life + params.lead_time - 1,), np.float32)
        tracker = PerishableTracker(params.demand_mean)
        public = public_tables(params)
        super().__init__(params, params.horizon, actions, observations, tracker, public, reward_weights)

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return costs and units to be summed."""
        return {
            "cost": -(terms["ordering"] + terms["holding"] + terms["penalty"] + terms["waste"]),
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "waste_cost": -terms["waste"],
            "wasted": outcome.wasted,
            "ordered": outcome.order,
            "lost": outcome.lost,
            "demand": outcome.demand,
        }

    def render(
        self, state: State, outcome: Any | None, row: int, mode: str, past: Sequence[Frame] = ()
    ) -> Any:
        """Draw stocks, flows and money of the last periods of one copy, and what stands where now."""
        return render(self.params, self.tables, state, outcome, row, mode, past)

    def units(self, observation: Array) -> Units:
        """Return the (n, shelf_life + lead_time - 1) units that an observation shows."""
        return self.tracker.units(observation)
