"""Two suppliers: what the agent sees, does and pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.arithmetic import as_units, never, one_number
from sb3_ecom.envs.inventory.demand import cdf_table, sample
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.render import draw_bars

TERMS = ("regular", "express", "holding", "penalty")


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (regular_lead_time - 1,) units under way at the start
    scale: Array  # (1,) observation per unit
    regular_cost: Array  # (1,) cost/unit
    express_cost: Array  # (1,) cost/unit
    holding_cost: Array  # (1,) cost/unit left over
    penalty: Array  # (1,) cost/unit of backlog


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
        self.kind = action
        self.params = params = DualSourcingParams(**kwargs)
        self.horizon = params.horizon
        width = params.regular_lead_time
        choices = params.order_limit + 1
        pair = spaces.MultiDiscrete([choices, choices])
        self.action_space = pair if action == "pair" else spaces.Discrete(choices**2)
        self.observation_space = spaces.Box(-1e4, 1e4, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self._mean = max(round(params.demand_mean), 1)  # units
        self._scale = 1 / (2 * params.demand_mean)  # observation per unit
        self.tables = Tables(
            cdf_table(params.pmf()),
            np.full(width - 1, self._mean, dtype=np.float32),
            one_number(self._scale),
            *map(one_number, (params.regular_cost, params.express_cost, params.holding_cost, params.penalty)),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw what decides the stock at the start."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.cdf, source.uniform((n,)))

    def initial_state(self, noise: Array) -> State:
        """Start with 0..2*mean units on hand and the mean demand in every period of the pipeline."""
        xp = array_namespace(noise)
        stock = xp.floor(noise * (2 * self._mean + 1))
        return State(stock, xp.zeros_like(noise)[:, None] + self.tables.pipeline)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Place both orders, meet the demand."""
        if self.kind == "pair":
            regular, express = action[:, 0], action[:, 1]
        else:
            choices = self.params.order_limit + 1
            regular, express = action // choices, action % choices
        return step(self.params, state, as_units(regular), as_units(express), noise)

    def observe(self, state: State) -> Array:
        """Return stock and pipeline in units of twice the mean demand."""
        xp = array_namespace(state.stock)
        return xp.concat([state.stock[:, None], state.pipeline], axis=1) * self.tables.scale

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        tables = self.tables
        return {
            "regular": -(outcome.regular * tables.regular_cost),
            "express": -(outcome.express * tables.express_cost),
            "holding": -(outcome.left * tables.holding_cost),
            "penalty": -(outcome.waiting * tables.penalty),
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The shop never closes."""
        return never(outcome.left)

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        tables = self.tables
        holding, penalty = outcome.left * tables.holding_cost, outcome.waiting * tables.penalty
        bought = outcome.regular * tables.regular_cost + outcome.express * tables.express_cost
        return {
            "cost": bought + holding + penalty,
            "holding_cost": holding,
            "penalty_cost": penalty,
            "express_units": outcome.express,
            "ordered": outcome.express + outcome.regular,
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, left and waiting."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, pipeline and the last period of one copy."""
        bars = {"net stock": float(state.stock[row])}
        bars |= {f"due in {i + 1}": float(units) for i, units in enumerate(state.pipeline[row])}
        if outcome is not None:
            bars |= {name: float(getattr(outcome, name)[row]) for name in ("demand", "regular", "express")}
        return draw_bars("Dual sourcing", bars, mode)

    def units(self, observation: Array) -> Units:
        """Return the (n, regular_lead_time) net stock and pipeline that an observation shows."""
        return np.asarray(np.rint(observation / self._scale).astype(np.int64))

    def to_action(self, orders: Units) -> Units:
        """Return the action that places `orders`, (n, 2) units from the regular and express supplier."""
        limit = self.params.order_limit
        orders = np.clip(orders, 0, limit).astype(np.int64)
        return orders if self.kind == "pair" else orders[:, 0] * (limit + 1) + orders[:, 1]
