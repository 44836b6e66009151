"""Observations and orders of an item that spoils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import as_units, one_number
from sb3_ecom.envs.inventory.markov import Units
from sb3_ecom.envs.inventory.perishable.dynamics import State, placed_order
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker


class PublicTables(NamedTuple):
    """Constant arrays that the shop knows."""

    scale: Array  # (1,) observation per unit
    position_limit: Array  # (1,) units on hand and on order beyond which orders are cut
    order_cost: Array  # (1,) cost/unit ordered
    holding_cost: Array  # (1,) cost/unit kept
    penalty: Array  # (1,) cost/unit lost
    waste_cost: Array  # (1,) cost/unit spoilt


def public_tables(params: PerishableParams) -> PublicTables:
    """Return the constant arrays that the shop knows."""
    scale = 1 / (2 * params.demand_mean)
    prices = (params.order_cost, params.holding_cost, params.penalty, params.waste_cost)
    return PublicTables(*map(one_number, (scale, params.position_limit, *prices)))


@dataclass(frozen=True)
class PerishableTracker(StockReportTracker):
    """Observes the stock report, in twice the mean demand; an action is the units to order."""

    demand_mean: float  # units/period, by which observations are scaled

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Array:
        """Return the (n,) units to order, float32."""
        return placed_order(tracked, as_units(action), tables.position_limit)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return stock by age and pipeline in twice the mean demand, (n, shelf_life + lead_time - 1)."""
        xp = array_namespace(tracked.on_hand)
        return xp.concat([tracked.on_hand, tracked.pipeline], axis=1) * tables.scale

    def units(self, observation: Array) -> Units:
        """Return the units by age and in the pipeline that (n, d) observations show, (n, d)."""
        return np.asarray(np.rint(observation * (2 * self.demand_mean)).astype(np.int64))
