"""Observations, orders and shipments of a warehouse and its retailers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.distribution.dynamics import Orders, State, placed_orders
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.stock_reports import StockReportTracker


class PublicTables(NamedTuple):
    """Constant arrays that the planner knows."""

    shipment_limits: Array  # (N,) units, largest shipments
    retailer_limits: Array  # (N,) units at and under way to a retailer beyond which it is not supplied
    scale: Array  # (N,) observation per unit at a retailer


def public_tables(params: DistributionParams) -> PublicTables:
    """Return the constant arrays that the planner knows."""
    return PublicTables(
        np.array(params.shipment_limits, dtype=np.float32),
        np.array(params.retailer_limits, dtype=np.float32),
        (0.5 / np.array(params.means)).astype(np.float32),
    )


@dataclass(frozen=True)
class DistributionTracker(StockReportTracker):
    """Observes the stock reports of all places; an action holds the order and the shipments."""

    total_mean: float  # units/period of all retailers, by which the warehouse's observations are scaled
    order_limit: int  # units/order
    position_limit: int  # units in the whole system beyond which orders are cut
    warehouse_lead_time: int  # periods
    retailer_lead_time: int  # periods

    def decode(self, tracked: State, action: Array, tables: PublicTables) -> Orders:
        """Return the units to buy and to ship, float32."""
        xp = array_namespace(tracked.on_hand)
        share = xp.astype(action + 1.0, xp.float32) * 0.5
        wanted = Orders(
            xp.round(share[:, 0] * self.order_limit), xp.round(share[:, 1:] * tables.shipment_limits)
        )
        return placed_orders(tracked, wanted, self.position_limit, tables.retailer_limits)

    def observe(self, tracked: State, tables: PublicTables) -> Array:
        """Return stocks and lanes in twice the mean demand."""
        xp = array_namespace(tracked.on_hand)
        n = tracked.on_hand.shape[0]
        scale = 1 / (2 * self.total_mean)
        warehouse = xp.concat([tracked.on_hand[:, None], tracked.inbound], axis=1) * scale
        places = xp.concat([tracked.net[:, :, None], tracked.outbound], axis=2) * tables.scale[:, None]
        return xp.concat([warehouse, xp.reshape(places, (n, -1))], axis=1)

    def to_state(self, observation: Array, tables: PublicTables) -> State:
        """Return the stock report that an observation shows, in whole units."""
        cut, scale = self.warehouse_lead_time, np.asarray(tables.scale)
        warehouse = np.rint(observation[:, :cut] * (2 * self.total_mean))
        shape = (len(observation), len(scale), self.retailer_lead_time)
        places = np.rint(observation[:, cut:].reshape(shape) / scale[:, None])
        return State(warehouse[:, 0], warehouse[:, 1:], places[:, :, 0], places[:, :, 1:])

    def to_action(self, orders: Orders, tables: PublicTables) -> Array:
        """Return the action that places the orders."""
        limits = np.append(self.order_limit, np.asarray(tables.shipment_limits))
        units = np.concatenate([orders.order[:, None], orders.shipments], axis=1)
        return np.asarray(np.clip(units, 0, limits) * (2 / limits) - 1, dtype=np.float32)
