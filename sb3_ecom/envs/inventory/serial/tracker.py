"""Observations and orders of a serial chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import one_number
from sb3_ecom.envs.inventory.serial.dynamics import State, placed_orders
from sb3_ecom.envs.inventory.serial.params import SerialParams
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker


class PublicTables(NamedTuple):
    """Constant arrays that the planner knows."""

    holding: Array  # (stages,) cost/unit/period
    penalty: Array  # (1,) cost/unit/period of backlog


def public_tables(params: SerialParams) -> PublicTables:
    """Return the constant arrays that the planner knows."""
    return PublicTables(np.array(params.local_holding, dtype=np.float32), one_number(params.penalty))


@dataclass(frozen=True)
class SerialTracker(StockReportTracker):
    """Observes the stock reports of all stages, in twice the mean demand; an action holds their orders."""

    demand_mean: float  # units/period, by which observations are scaled
    lead_times: tuple[int, ...]  # periods, retailer first
    order_limit: int  # units/order and stage
    position_limits: tuple[int, ...]  # units of echelon stock beyond which each stage's orders are cut

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Array:
        """Return the (n, stages) units to order, float32."""
        xp = array_namespace(tracked.backlog)
        orders = xp.astype(xp.round((action + 1.0) * (0.5 * self.order_limit)), xp.float32)
        return placed_orders(tracked, orders, self.lead_times, self.position_limits)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return stocks, backlog, debts and lanes in twice the mean demand."""
        xp = array_namespace(tracked.backlog)
        parts = [tracked.on_hand, tracked.backlog[:, None], tracked.owed, tracked.transit]
        return xp.concat(parts, axis=1) * (1 / (2 * self.demand_mean))

    def to_state(self, observation: Array) -> State:
        """Return the stock report that an observation shows, in whole units."""
        units = np.rint(observation * (2 * self.demand_mean))
        stages = len(self.lead_times)
        on_hand, rest = units[:, :stages], units[:, stages:]
        return State(on_hand, rest[:, 0], rest[:, 1:stages], rest[:, stages:])

    def to_action(self, orders: Array) -> Array:
        """Return the action that places `orders`, (n, stages) units."""
        limit = self.order_limit
        return (np.clip(orders, 0, limit) * (2 / limit) - 1).astype(np.float32)
