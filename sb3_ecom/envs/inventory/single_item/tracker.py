"""Observations and orders of a single item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import as_units, one_number
from sb3_ecom.envs.inventory.single_item.dynamics import State, placed_order
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker


class PublicTables(NamedTuple):
    """Constant arrays that the shop knows."""

    scale: Array  # (1,) observation per unit
    position_limit: Array  # (1,) units on hand and on order beyond which orders are cut
    holding_cost: Array  # (1,) cost/unit left over
    penalty: Array  # (1,) cost/unit lost or waiting
    fixed_cost: Array  # (1,) cost/order


def public_tables(params: SingleItemParams) -> PublicTables:
    """Return the constant arrays that the shop knows."""
    scale = 1 / (2 * params.demand_mean)
    prices = (params.holding_cost, params.penalty, params.fixed_cost)
    return PublicTables(*map(one_number, (scale, params.position_limit, *prices)))


@dataclass(frozen=True)
class SingleItemTracker(StockReportTracker):
    """Observes the stock report, in twice the mean demand; an action is the units to order."""

    demand_mean: float  # units/period, by which observations are scaled

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Array:
        """Return the (n,) units to order, float32."""
        return placed_order(tracked, as_units(action), tables.position_limit)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return on hand and pipeline in twice the mean demand, (n, max(lead_time, 1))."""
        if not tracked.pipeline.shape[1]:
            return tracked.on_hand[:, None] * tables.scale
        xp = array_namespace(tracked.on_hand)
        return xp.concat([tracked.on_hand[:, None], tracked.pipeline], axis=1) * tables.scale

    def units(self, observation: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the units on hand and in the pipeline that (n, d) observations show, (n, d)."""
        return np.asarray(np.rint(observation * (2 * self.demand_mean)).astype(np.int64))
