"""The chain with capacities: what its planner sees, does and earns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.chain.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.demand import cdf_table, sample
from sb3_ecom.envs.inventory.render import draw_bars

TERMS = ("sales", "purchases", "unserved", "holding")
_UNIT = 100.0  # units per 1.0 of the observation


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # cumulative demand, for inversion
    stock: Array  # (stages,) units at the start
    transit: Array  # (sum(lead_times),) units under way at the start: none
    capacities: Array  # (stages,) units/period
    prices: Array  # (stages + 1,) money/unit
    costs: Array  # (stages + 1,) money/unit
    backlog: Array  # (stages + 1,) money/unit/period
    holding: Array  # (stages,) money/unit/period


class ChainTask(Task):
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

    metrics = (
        Metric("profit", "profit"),
        Metric("units_sold", "sold"),
        Metric("unserved_per_period", "waiting", "length"),
        Metric("stock_per_period", "stock", "length"),
    )
    step_info_keys = ("demand", "sold", "unserved", "held")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        self.params = params = ChainParams(**kwargs)
        self.horizon = params.periods
        stages = params.stages
        self.action_space = spaces.Box(-1.0, 1.0, (stages,), np.float32)
        width = 2 + 2 * stages + sum(params.lead_times)
        self.observation_space = spaces.Box(0.0, 1e4, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        constants = (params.capacities, params.prices, params.replenishment_costs, params.backlog_costs)
        self.tables = Tables(
            cdf_table(params.pmf()),
            np.array(params.start_stock, dtype=np.float32),
            np.zeros(sum(params.lead_times), dtype=np.float32),
            *(np.array(values, dtype=np.float32) for values in (*constants, params.holding_costs)),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw nothing that matters: every season starts alike."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n,) whole units."""
        return sample(self.tables.cdf, source.uniform((n,)))

    def initial_state(self, noise: Array) -> State:
        """Start with the given stock and empty lanes."""
        xp = array_namespace(noise)
        none = xp.zeros_like(noise)[:, None]
        tables = self.tables
        return State(none[:, 0], none + tables.stock, none + 0.0 * tables.prices, none + tables.transit)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Place every stage's order and let a period pass."""
        xp = array_namespace(noise)
        orders = xp.round((action + 1.0) * (0.5 * self.tables.capacities))
        return step(self.params, state, xp.astype(orders, xp.float32), noise)

    def observe(self, state: State) -> Array:
        """Return time, stocks, waiting units and lanes."""
        xp = array_namespace(state.period)
        time = state.period[:, None] * (_UNIT / self.params.periods)
        return xp.concat([time, state.on_hand, state.unserved, state.transit], axis=1) * (1 / _UNIT)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed, discounted money of the period."""
        tables, weight = self.tables, outcome.discount
        return {
            "sales": (outcome.sold @ tables.prices) * weight,
            "purchases": (outcome.bought @ tables.costs) * -weight,
            "unserved": (outcome.unserved @ tables.backlog) * -weight,
            "holding": (outcome.held @ tables.holding) * -weight,
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The season is over."""
        return outcome.finished

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return money and units to be summed."""
        xp = array_namespace(outcome.discount)
        terms = self.terms(outcome)
        return {
            "profit": terms["sales"] + terms["purchases"] + terms["unserved"] + terms["holding"],
            "sold": outcome.sold[:, 0],
            "waiting": outcome.unserved[:, 0],
            "stock": xp.sum(outcome.held, axis=1),
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units asked for, sold, unserved and held."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw every stage's stock, goods under way to it and waiting units of one copy."""
        lanes = np.split(np.asarray(state.transit[row]), np.cumsum(self.params.lead_times)[:-1])
        bars = {f"stage {j + 1} on hand": float(units) for j, units in enumerate(state.on_hand[row])}
        bars |= {f"under way to {j + 1}": float(lane.sum()) for j, lane in enumerate(lanes)}
        bars |= {
            f"unmet stage {j}" if j else "unmet customers": float(units)
            for j, units in enumerate(state.unserved[row])
        }
        if outcome is not None:
            bars |= {"demand": float(outcome.demand[row]), "sales": float(outcome.sold[row, 0])}
        return draw_bars(f"Supply chain, period {int(state.period[row])}", bars, mode)

    def to_state(self, observation: Array) -> State:
        """Return the state that an observation shows, in whole units."""
        stages = self.params.stages
        units = np.rint(observation[:, 1:] * _UNIT)
        on_hand, rest = units[:, :stages], units[:, stages:]
        period = np.rint(observation[:, 0] * self.params.periods)
        return State(period, on_hand, rest[:, : stages + 1], rest[:, stages + 1 :])

    def to_action(self, orders: Array) -> Array:
        """Return the action that places `orders`, (n, stages) units."""
        capacities = self.tables.capacities
        return np.asarray(np.clip(orders, 0, capacities) * (2 / capacities) - 1, dtype=np.float32)
