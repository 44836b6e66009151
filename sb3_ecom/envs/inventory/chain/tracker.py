"""Observations and orders of a chain with capacities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.chain.dynamics import State
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker

_UNIT = 100.0  # units per 1.0 of the observation


class PublicTables(NamedTuple):
    """Constant arrays that the planner knows."""

    capacities: Array  # (stages,) units/period
    prices: Array  # (stages + 1,) money/unit sold
    costs: Array  # (stages + 1,) money/unit bought
    backlog: Array  # (stages + 1,) money/unit not served/period
    holding: Array  # (stages,) money/unit/period


def public_tables(params: ChainParams, dtype: DTypeLike = np.float32) -> PublicTables:
    """Return the constant arrays that the planner knows."""
    traded = (params.prices, params.replenishment_costs, params.backlog_costs)
    constants = (params.capacities, *traded, params.holding_costs)
    return PublicTables(*(np.array(values, dtype=dtype) for values in constants))


@dataclass(frozen=True)
class ChainTracker(StockReportTracker):
    """Observes date and stock reports of all stages, in hundreds; an action holds their orders."""

    periods: int  # length of a season
    stages: int

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Array:
        """Return the (n, stages) units to order, float32."""
        xp = array_namespace(tracked.period)
        return xp.astype(xp.round((action + 1.0) * (0.5 * tables.capacities)), xp.float32)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return time, stocks, waiting units and lanes."""
        xp = array_namespace(tracked.period)
        time = tracked.period[:, None] * (_UNIT / self.periods)
        return xp.concat([time, tracked.on_hand, tracked.unserved, tracked.transit], axis=1) * (1 / _UNIT)

    def to_state(self, observation: Array) -> State:
        """Return the stock report that an observation shows, in whole units."""
        units = np.rint(observation[:, 1:] * _UNIT)
        on_hand, rest = units[:, : self.stages], units[:, self.stages :]
        period = np.rint(observation[:, 0] * self.periods)
        return State(period, on_hand, rest[:, : self.stages + 1], rest[:, self.stages + 1 :])

    def to_action(self, orders: Array, tables: PublicTables) -> Array:
        """Return the action that places `orders`, (n, stages) units."""
        capacities = tables.capacities
        return np.asarray(np.clip(orders, 0, capacities) * (2 / capacities) - 1, dtype=np.float32)
