"""A serial chain: what its planner sees, does and pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.demand import cdf_table, sample
from sb3_ecom.envs.inventory.render import draw_bars
from sb3_ecom.envs.inventory.serial.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.serial.params import SerialParams

TERMS = ("holding", "penalty")


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # cumulative demand, for inversion
    holding: Array  # (stages,) cost/unit/period
    transit: Array  # (sum(lead_time - 1),) units under way at the start
    owed: Array  # (stages - 1,) units owed at the start


class SerialTask(Task):
    """Order for every stage of a serial chain; customers wait where the retailer's shelf is empty.

    Observation: stock on hand of each stage (retailer first), customers' backlog, units each upper stage owes
        the one below, and units under way (stage by stage, next to arrive first), all divided by twice the
        mean demand; (2 * stages + sum(lead_times - 1),) float32.
    Action: Box[-1, 1]^stages, each stage's order: -1 is none, 1 is `params.order_limit` units, rounded.
        Orders are cut at `params.position_limits`, far above any optimum.
    Reward: minus the period's costs: "holding" (stock, and goods in transit between stages) and "penalty"
        (backlog), in cost units.
    Episode: infinite horizon, truncated after `horizon` periods (100); judged by the average cost per
        period after a warm-up.
    Source: Clark and Scarf (1960), Management Science 6(4); Snyder and Shen (2019), example 6.1 with Poisson
        demand.
    Versions: v0.
    """

    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("backlog_per_period", "backlog", "length"),
    )
    step_info_keys = ("orders", "demand", "held", "backlog")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        self.params = params = SerialParams(**kwargs)
        self.horizon = params.horizon
        under_way = sum(params.lead_times) - params.stages
        self.action_space = spaces.Box(-1.0, 1.0, (params.stages,), np.float32)
        self.observation_space = spaces.Box(0.0, 1e4, (2 * params.stages + under_way,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self._mean = max(round(params.demand_mean), 1)  # units
        self._scale = 1 / (2 * params.demand_mean)  # observation per unit
        self.tables = Tables(
            cdf_table(params.pmf()),
            np.array(params.local_holding, dtype=np.float32),
            np.full(under_way, self._mean, dtype=np.float32),
            np.zeros(params.stages - 1, dtype=np.float32),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw what decides each stage's stock at the start."""
        return source.uniform((n, self.params.stages))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.cdf, source.uniform((n,)))

    def initial_state(self, noise: Array) -> State:
        """Start with 0..2*mean units at every stage, the mean demand in every lane, nothing owed."""
        xp = array_namespace(noise)
        nothing = xp.zeros_like(noise[:, :1])
        on_hand = xp.floor(noise * (2 * self._mean + 1))
        return State(on_hand, nothing[:, 0], nothing + self.tables.owed, nothing + self.tables.transit)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Place every stage's order and let a period pass."""
        xp = array_namespace(noise)
        orders = xp.round((action + 1.0) * (0.5 * self.params.order_limit))
        return step(self.params, state, xp.astype(orders, xp.float32), noise)

    def observe(self, state: State) -> Array:
        """Return stocks, backlog, debts and lanes in units of twice the mean demand."""
        xp = array_namespace(state.backlog)
        parts = [state.on_hand, state.backlog[:, None], state.owed, state.transit]
        return xp.concat(parts, axis=1) * self._scale

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        return {
            "holding": -(outcome.held @ self.tables.holding),
            "penalty": outcome.backlog * -self.params.penalty,
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The chain never closes."""
        return outcome.backlog < 0  # false: backlog is never negative

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        terms = self.terms(outcome)
        return {
            "cost": -(terms["holding"] + terms["penalty"]),
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "backlog": outcome.backlog,
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, held and waiting."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw every stage's stock, debts and orders of one copy."""
        bars = {f"stage {j + 1} on hand": float(units) for j, units in enumerate(state.on_hand[row])}
        bars |= {f"stage {j + 2} owes": float(units) for j, units in enumerate(state.owed[row])}
        bars |= {"in transit": float(state.transit[row].sum()), "unmet (backlog)": float(state.backlog[row])}
        if outcome is not None:
            bars |= {"demand": float(outcome.demand[row])}
            bars |= {f"stage {j + 1} order": float(units) for j, units in enumerate(outcome.orders[row])}
        return draw_bars("Serial chain", bars, mode)

    def to_state(self, observation: Array) -> State:
        """Return the state that an observation shows, in whole units."""
        units = np.rint(observation / self._scale)
        stages = self.params.stages
        on_hand, rest = units[:, :stages], units[:, stages:]
        return State(on_hand, rest[:, 0], rest[:, 1:stages], rest[:, stages:])

    def to_action(self, orders: Array) -> Array:
        """Return the action that places `orders`, (n, stages) units."""
        limit = self.params.order_limit
        return (np.clip(orders, 0, limit) * (2 / limit) - 1).astype(np.float32)
