"""EcomDualSourcing-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.dual_sourcing import dynamics, rewards
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.dual_sourcing.render import render
from sb3_ecom.envs.inventory.dual_sourcing.tracker import DualSourcingTracker, public_tables
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class DualSourcingTask(StockReportTask):
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
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {
        "regular_cost": "regular",
        "express_cost": "express",
        "holding_cost": "holding",
        "penalty": "penalty",
    }
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
        params = DualSourcingParams(**kwargs)
        choices = params.order_limit + 1
        joint = action == "joint"
        actions = spaces.Discrete(choices**2) if joint else spaces.MultiDiscrete([choices, choices])
        observations = spaces.Box(-1e4, 1e4, (params.regular_lead_time,), np.float32)
        tracker = DualSourcingTracker(params.demand_mean, params.order_limit, joint)
        public = public_tables(params)
        super().__init__(params, params.horizon, actions, observations, tracker, public, reward_weights)

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return costs and units to be summed."""
        return {
            "cost": -(terms["regular"] + terms["express"] + terms["holding"] + terms["penalty"]),
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "express_units": outcome.express,
            "ordered": outcome.express + outcome.regular,
        }

    def render(
        self, state: State, outcome: Any | None, row: int, mode: str, past: Sequence[Frame] = ()
    ) -> Any:
        """Draw stocks, flows and money of the last periods of one copy, and what stands where now."""
        return render(self.params, self.tables, state, outcome, row, mode, past)

    def units(self, observation: Array) -> Units:
        """Return the (n, regular_lead_time) net stock and pipeline that an observation shows."""
        return self.tracker.units(observation)

    def to_action(self, orders: Units) -> Units:
        """Return the action that places `orders`, (n, 2) units from the regular and express supplier."""
        return self.tracker.to_action(orders)
