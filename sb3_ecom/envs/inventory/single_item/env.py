"""One item, one supplier: what the agent sees, does and pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.arithmetic import as_units, never, one_number
from sb3_ecom.envs.inventory.demand import cdf_table, sample
from sb3_ecom.envs.inventory.render import Bars, draw_bars
from sb3_ecom.envs.inventory.single_item.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams

TERMS = ("holding", "penalty", "ordering")


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (max(lead_time - 1, 0),) units under way at the start
    scale: Array  # (1,) observation per unit
    one: Array  # (1,) unit
    holding_cost: Array  # (1,) cost/unit left over
    penalty: Array  # (1,) cost/unit lost or waiting
    fixed_cost: Array  # (1,) cost/order


class SingleItemTask(Task):
    """What lost sales and setup costs share; each id documents its own subclass."""

    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("ordering_cost_per_period", "ordering_cost", "length"),
        Metric("unmet_share", "unmet", "demand"),
    )
    step_info_keys = ("order", "demand", "left", "unmet")

    def __init__(self, params: SingleItemParams, reward_weights: Mapping[str, float] | None = None) -> None:
        self.params = params
        self.horizon = params.horizon
        width = max(params.lead_time, 1)
        self.action_space = spaces.Discrete(params.order_limit + 1)
        self.observation_space = spaces.Box(-1e4, 1e4, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self._mean = max(round(params.demand_mean), 1)  # units
        self._scale = 1 / (2 * params.demand_mean)  # observation per unit
        numbers = (self._scale, 1.0, params.holding_cost, params.penalty, params.fixed_cost)
        self.tables = Tables(
            cdf_table(params.pmf()),
            np.full(width - 1, self._mean, dtype=np.float32),
            *map(one_number, numbers),
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
        """Place the order, meet the demand."""
        return step(self.params, state, as_units(action), noise)

    def observe(self, state: State) -> Array:
        """Return stock and pipeline in units of twice the mean demand."""
        xp = array_namespace(state.stock)
        if not state.pipeline.shape[1]:
            return state.stock[:, None] * self.tables.scale
        return xp.concat([state.stock[:, None], state.pipeline], axis=1) * self.tables.scale

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        tables = self.tables
        return {
            "holding": -(outcome.left * tables.holding_cost),
            "penalty": -(outcome.unmet * tables.penalty),
            "ordering": -self._ordering_cost(outcome),
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The shop never closes."""
        return never(outcome.left)

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        tables = self.tables
        holding, penalty = outcome.left * tables.holding_cost, outcome.unmet * tables.penalty
        ordering = self._ordering_cost(outcome)
        return {
            "cost": holding + penalty + ordering,
            "holding_cost": holding,
            "penalty_cost": penalty,
            "ordering_cost": ordering,
            "unmet": outcome.unmet,
            "demand": outcome.demand,
        }

    def _ordering_cost(self, outcome: Outcome) -> Array:
        """Return the fixed cost where any unit was ordered, (n,)."""
        fixed = self.tables.fixed_cost
        if not self.params.fixed_cost:
            return outcome.order * fixed
        return array_namespace(outcome.order).minimum(outcome.order, self.tables.one) * fixed

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, left and unmet."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, pipeline and the last period of one copy."""
        bars = {"on hand": float(state.stock[row])}
        bars |= {f"due in {i + 1}": float(units) for i, units in enumerate(state.pipeline[row])}
        if outcome is not None:
            parts = ("demand", "sales", "unmet", "order")
            bars |= {name: float(getattr(outcome, name)[row]) for name in parts}
        return draw_bars(Bars(type(self).__name__.removesuffix("Task"), bars), mode)

    def units(self, observation: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the (n, max(lead_time, 1)) stock and pipeline that an observation shows."""
        units: NDArray[np.int64] = np.rint(observation / self._scale).astype(np.int64)
        return units


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
