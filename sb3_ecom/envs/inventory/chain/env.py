"""EcomChain-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.task import Metric
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.chain import dynamics, rewards
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.chain.render import render
from sb3_ecom.envs.inventory.chain.tracker import ChainTracker, public_tables
from sb3_ecom.envs.inventory.render import Frame
from sb3_ecom.envs.inventory.stock_reports import StockReportTask


class ChainTask(StockReportTask):
    """Order for every stage of a supply chain with limited capacities, for one season.

    Observation: share of the season gone by, stock on hand of each stage (retailer first), units that
        customers and each lower stage still wait for, and units under way (stage by stage, next to arrive
        first), in hundreds; (2 + 2 * stages + sum(lead_times),) float32.
    Action: Box[-1, 1]^stages, each stage's order: -1 is none, 1 is the capacity of its supplier, rounded to
        whole units.
    Reward: the chain's discounted profit of the period: "sales" - "purchases" - "unserved" (units
        that someone waits for or goes without) - "holding" (stock at the end), in money.
    Episode: terminated after `periods` periods (30).
    Source: Hubbs et al. (2020), "OR-Gym: a reinforcement learning library for operations research problems",
        arXiv 2008.06319: InvManagement-v0 (``unmet="backlog"``) and -v1 ("lost").
    Versions: v0.
    """

    tracker: ChainTracker
    dynamics = dynamics
    rewards = rewards
    charges: ClassVar[Mapping[str, str]] = {
        "prices": "sales",
        "replenishment_costs": "purchases",
        "backlog_costs": "unserved",
        "holding_costs": "holding",
    }
    metrics = (
        Metric("profit", "profit"),
        Metric("units_sold", "sold"),
        Metric("unserved_per_period", "waiting", "length"),
        Metric("stock_per_period", "stock", "length"),
    )
    step_info_keys = ("demand", "sold", "unserved", "held")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        params = ChainParams(**kwargs)
        width = 2 + 2 * params.stages + sum(params.lead_times)
        actions = spaces.Box(-1.0, 1.0, (params.stages,), np.float32)
        observations = spaces.Box(0.0, 1e4, (width,), np.float32)
        tracker = ChainTracker(params.periods, params.stages)
        public = public_tables(params)
        super().__init__(params, params.periods, actions, observations, tracker, public, reward_weights)

    def terminated(self, outcome: dynamics.Outcome) -> Array:
        """Return whether the season is over."""
        return outcome.finished

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return money and units to be summed."""
        return {
            "profit": terms["sales"] + terms["purchases"] + terms["unserved"] + terms["holding"],
            "sold": outcome.sold[:, 0],
            "waiting": outcome.unserved[:, 0],
            "stock": array_namespace(outcome.held).sum(outcome.held, axis=1),
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
        return self.tracker.to_action(orders, self.tables.public)
