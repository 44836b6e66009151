"""One warehouse and its retailers: what the planner sees, does and pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.inventory.distribution.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.distribution.render import draw_distribution

TERMS = ("warehouse", "holding", "penalty")


class Tables(NamedTuple):
    """Constant arrays."""

    cdf: Array  # (N, values) cumulative demand of each retailer, padded with 2
    usual: Array  # (N,) whole units a retailer usually sells in a period
    limits: Array  # (N,) units, largest shipments
    most: Array  # (N,) units at and under way to a retailer beyond which it is not supplied
    scale: Array  # (N,) observation per unit
    inbound: Array  # (warehouse_lead_time - 1,) units under way at the start
    outbound: Array  # (N, retailer_lead_time - 1) units under way at the start


class DistributionTask(Task):
    """Buy for a warehouse and share its stock out among retailers who cannot help each other.

    Observation: stock of the warehouse and orders on their way to it (next to arrive first), over twice the
        mean demand of all retailers; then for each retailer its net stock (negative = backlog) and the
        shipments on their way (next to arrive first), over twice its own mean demand; (warehouse_lead_time +
        retailers * retailer_lead_time,) float32.
    Action: Box[-1, 1]^(1 + retailers): the warehouse's order and the shipment to each retailer; -1 is none, 1
        is `params.order_limit` or the retailer's own of `params.shipment_limits`, rounded to whole units.
        Where the shipments exceed the warehouse's stock, all are cut by the same factor. Orders are cut at
        `params.position_limit`, shipments at `params.shop_limits`, both far above any optimum.
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

    metrics = (
        Metric("cost_per_period", "cost", "length"),
        Metric("warehouse_cost_per_period", "warehouse_cost", "length"),
        Metric("holding_cost_per_period", "holding_cost", "length"),
        Metric("penalty_cost_per_period", "penalty_cost", "length"),
        Metric("stock_in_warehouse", "kept", "length"),
    )
    step_info_keys = ("order", "shipped", "demand", "left", "unmet")

    def __init__(self, *, reward_weights: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        self.params = params = DistributionParams(**kwargs)
        self.horizon = params.horizon
        retailers, lead = params.retailers, params.retailer_lead_time
        self.action_space = spaces.Box(-1.0, 1.0, (1 + retailers,), np.float32)
        width = params.warehouse_lead_time + retailers * lead
        self.observation_space = spaces.Box(-1e4, 1e4, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self._scale = 1 / (2 * params.total_mean)  # observation per unit in the warehouse
        usual = np.maximum(np.rint(params.means), 1).astype(np.float32)
        self.tables = Tables(
            cdf=_cdf_tables(params),
            usual=usual,
            limits=np.array(params.shipment_limits, dtype=np.float32),
            most=np.array(params.shop_limits, dtype=np.float32),
            scale=(0.5 / np.array(params.means)).astype(np.float32),
            inbound=np.full(params.warehouse_lead_time - 1, usual.sum(), dtype=np.float32),
            outbound=np.repeat(usual[:, None], lead - 1, axis=1),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw what decides the stocks at the start."""
        return source.uniform((n, 1 + self.params.retailers))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw one period's demand, (n, N) whole units."""
        uniform = source.uniform((n, self.params.retailers))
        xp = array_namespace(uniform)
        return xp.sum(xp.astype(uniform[:, :, None] >= self.tables.cdf, xp.float32), axis=2)

    def initial_state(self, noise: Array) -> State:
        """Start with 0 to 2 periods' demand at every place, one period's in every lane."""
        xp = array_namespace(noise)
        tables = self.tables
        none = xp.zeros_like(noise[:, :1])
        total = xp.sum(tables.usual)
        return State(
            stock=xp.floor(noise[:, 0] * (2 * total + 1)),
            inbound=none + tables.inbound,
            net=xp.floor(noise[:, 1:] * (2 * tables.usual + 1)),
            outbound=none[:, :, None] + tables.outbound,
        )

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Place the order, ship, and let a period pass."""
        xp = array_namespace(noise)
        share = xp.astype(action + 1.0, xp.float32) * 0.5
        order = xp.round(share[:, 0] * self.params.order_limit)
        wanted = xp.round(share[:, 1:] * self.tables.limits)
        return step(self.params, self.tables.most, state, order, wanted, noise)

    def observe(self, state: State) -> Array:
        """Return stocks and lanes in units of twice the mean demand."""
        xp = array_namespace(state.stock)
        n = state.stock.shape[0]
        warehouse = xp.concat([state.stock[:, None], state.inbound], axis=1) * self._scale
        places = xp.concat([state.net[:, :, None], state.outbound], axis=2) * self.tables.scale[:, None]
        return xp.concat([warehouse, xp.reshape(places, (n, -1))], axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed costs of the period."""
        xp = array_namespace(outcome.kept)
        params = self.params
        return {
            "warehouse": outcome.kept * -params.warehouse_holding,
            "holding": xp.sum(outcome.left, axis=1) * -params.retailer_holding,
            "penalty": xp.sum(outcome.unmet, axis=1) * -params.penalty,
        }

    def terminated(self, outcome: Outcome) -> Array:
        """The business never closes."""
        return outcome.kept < 0  # false: what is kept is never negative

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return costs and units to be summed."""
        terms = self.terms(outcome)
        return {
            "cost": -(terms["warehouse"] + terms["holding"] + terms["penalty"]),
            "warehouse_cost": -terms["warehouse"],
            "holding_cost": -terms["holding"],
            "penalty_cost": -terms["penalty"],
            "kept": outcome.kept,
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return units ordered, shipped, asked for, left and unmet."""
        return {name: getattr(outcome, name) for name in self.step_info_keys}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the warehouse and every retailer of one copy."""
        unmet = np.zeros(self.params.retailers) if outcome is None else np.asarray(outcome.unmet[row])
        warehouse = (float(state.stock[row]), float(np.asarray(state.inbound[row]).sum()))
        under_way = np.asarray(state.outbound[row]).sum(axis=1)
        means = np.array(self.params.means)
        return draw_distribution(warehouse, np.asarray(state.net[row]), under_way, unmet, means, mode)

    def to_state(self, observation: Array) -> State:
        """Return the state that an observation shows, in whole units."""
        params = self.params
        cut = params.warehouse_lead_time
        warehouse = np.rint(observation[:, :cut] / self._scale)
        shape = (len(observation), params.retailers, params.retailer_lead_time)
        places = np.rint(observation[:, cut:].reshape(shape) / np.asarray(self.tables.scale)[:, None])
        return State(warehouse[:, 0], warehouse[:, 1:], places[:, :, 0], places[:, :, 1:])

    def to_action(self, order: Array, shipments: Array) -> Array:
        """Return the action that places `order`, (n,), and `shipments`, (n, N) units."""
        limits = np.append(self.params.order_limit, self.params.shipment_limits)
        units = np.concatenate([order[:, None], shipments], axis=1)
        return np.asarray(np.clip(units, 0, limits) * (2 / limits) - 1, dtype=np.float32)


def _cdf_tables(params: DistributionParams) -> Array:
    pmfs = params.pmfs()
    table = np.full((len(pmfs), max(map(len, pmfs)) - 1), 2.0, dtype=np.float32)
    for row, pmf in zip(table, pmfs, strict=True):
        row[: len(pmf) - 1] = np.cumsum(pmf)[:-1]
    return table
