"""Observations and orders with two suppliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import as_units, one_number
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Orders, State, placed_orders
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker


class PublicTables(NamedTuple):
    """Constant arrays that the shop knows."""

    scale: Array  # (1,) observation per unit
    position_limit: Array  # (1,) units on hand and on order beyond which orders are cut
    regular_cost: Array  # (1,) cost/unit
    express_cost: Array  # (1,) cost/unit
    holding_cost: Array  # (1,) cost/unit left over
    penalty: Array  # (1,) cost/unit of backlog


def public_tables(params: DualSourcingParams) -> PublicTables:
    """Return the constant arrays that the shop knows."""
    scale = 1 / (2 * params.demand_mean)
    prices = (params.regular_cost, params.express_cost, params.holding_cost, params.penalty)
    return PublicTables(*map(one_number, (scale, params.position_limit, *prices)))


@dataclass(frozen=True)
class DualSourcingTracker(StockReportTracker):
    """Observes the stock report, in twice the mean demand; an action holds the units of both orders."""

    demand_mean: float  # units/period, by which observations are scaled
    order_limit: int  # units/order
    joint: bool  # one number stands for both orders

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Orders:
        """Return the units to order from each supplier, (n,) float32 each."""
        if self.joint:
            regular, express = action // (self.order_limit + 1), action % (self.order_limit + 1)
        else:
            regular, express = action[:, 0], action[:, 1]
        return placed_orders(tracked, Orders(as_units(regular), as_units(express)), tables.position_limit)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return on hand and pipeline in twice the mean demand, (n, regular_lead_time)."""
        xp = array_namespace(tracked.on_hand)
        return xp.concat([tracked.on_hand[:, None], tracked.pipeline], axis=1) * tables.scale

    def units(self, observation: Array) -> Units:
        """Return the units on hand and in the pipeline that (n, d) observations show, (n, d)."""
        return np.asarray(np.rint(observation * (2 * self.demand_mean)).astype(np.int64))

    def to_action(self, orders: Units) -> Units:
        """Return the action that places `orders`, (n, 2) units from the regular and express supplier."""
        orders = np.clip(orders, 0, self.order_limit).astype(np.int64)
        return orders[:, 0] * (self.order_limit + 1) + orders[:, 1] if self.joint else orders
