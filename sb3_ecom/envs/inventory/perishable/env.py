"""An item that spoils: what the agent sees, does and pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.arithmetic import as_units, never, one_number
from sb3_ecom.envs.inventory.demand import cdf_table, sample
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.render import draw_bars

TERMS = ("ordering", "holding", "penalty", "waste")


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # cumulative demand, for inversion
    pipeline: Array  # (lead_time - 1,) units under way at the start
    shelf: Array  # (shelf_life,) 1 at the age of a fresh unit
    scale: Array  # (1,) observation per unit
    order_cost: Array  # (1,) cost/unit ordered
    holding_cost: Array  # (1,) cost/unit kept
    penalty: Array  # (1,) cost/unit lost
    waste_cost: Array  # (1,) cost/unit spoilt


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
        self._mean = max(round(params.demand_mean), 1)  # units
        self._scale = 1 / (2 * params.demand_mean)  # observation per unit
        self.tables = Tables(
            cdf_table(params.pmf()),
            np.full(params.lead_time - 1, self._mean, dtype=np.float32),
            np.eye(params.shelf_life, dtype=np.float32)[-1],
            one_number(self._scale),
            *map(one_number, (params.order_cost, params.holding_cost, params.penalty, params.waste_cost)),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw what decides the stock at the start."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.cdf, source.uniform((n,)))

    def initial_state(self, noise: Array) -> State:
        """Start with 0..2*mean fresh units and the mean demand in every period of the pipeline."""
        xp = array_namespace(noise)
        fresh = xp.floor(noise * (2 * self._mean + 1))[:, None]
        return State(fresh * self.tables.shelf, xp.zeros_like(fresh) + self.tables.pipeline)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Place the order, meet the demand, throw away what spoils."""
        return step(self.params, state, as_units(action), noise)

    def observe(self, state: State) -> Array:
        """Return shelf and pipeline in units of twice the mean demand."""
        xp = array_namespace(state.shelf)
        return xp.concat([state.shelf, state.pipeline], axis=1) * self.tables.scale

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        tables = self.tables
        return {
            "ordering": -(outcome.order * tables.order_cost),
            "holding": -(outcome.kept * tables.holding_cost),
            "penalty": -(outcome.lost * tables.penalty),
            "waste": -(outcome.wasted * tables.waste_cost),
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The shop never closes."""
        return never(outcome.lost)

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        tables = self.tables
        holding, waste = outcome.kept * tables.holding_cost, outcome.wasted * tables.waste_cost
        penalty = outcome.lost * tables.penalty
        return {
            "cost": outcome.order * tables.order_cost + holding + penalty + waste,
            "holding_cost": holding,
            "penalty_cost": penalty,
            "waste_cost": waste,
            "wasted": outcome.wasted,
            "ordered": outcome.order,
            "lost": outcome.lost,
            "demand": outcome.demand,
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units ordered, asked for, lost, wasted and kept."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the shelf by age, the pipeline and the last period of one copy."""
        bars = {f"life {j + 1}": float(units) for j, units in enumerate(state.shelf[row])}
        bars |= {f"due in {i + 1}": float(units) for i, units in enumerate(state.pipeline[row])}
        if outcome is not None:
            parts = ("demand", "lost", "wasted", "order")
            bars |= {name: float(getattr(outcome, name)[row]) for name in parts}
        return draw_bars("Perishable", bars, mode)

    def units(self, observation: Array) -> Units:
        """Return the (n, shelf_life + lead_time - 1) units that an observation shows."""
        return np.asarray(np.rint(observation / self._scale).astype(np.int64))
