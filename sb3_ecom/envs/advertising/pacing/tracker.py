"""Tracked state of a bidder: clock, budget, own multipliers and the DSP's report of every tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier
from sb3_ecom.envs.advertising.day_tables import DayTables
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER

_HISTORY = 12  # ticks that the observation remembers
_FEATURES = 8  # floats per remembered tick
LAYOUT = Layout(context=8, steps=_HISTORY, features=_FEATURES)


class Opening(NamedTuple):
    """Public event that opens a day."""

    budget: Array  # (n,) int64 micros of the median price
    log_multiplier: Array  # (n,) of the day before


class Report(NamedTuple):
    """Public event of a tick: the DSP's report, (n,) each; money in the price unit."""

    auctions: Array  # offered
    wins: Array
    spend: Array
    value: Array  # predicted value bought
    conversions: Array  # that arrived
    left: Array  # int64 micros of the day's budget


class Tracked(NamedTuple):
    """State that follows from public events, when a tick opens."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros, still to spend
    log_multiplier: Array  # (n,) log bid per unit of predicted value, relative to the median price
    history: Array  # (n, >= HISTORY, FEATURES) all ticks of the day, newest last


@dataclass(frozen=True)
class PacingTracker:
    """Turns reports of ticks into observations, and actions into log multipliers."""

    bid_multiplier: BidMultiplier
    ticks: int  # of a day
    price_median: float
    conversion_rate: float  # conversions per impression of mean value, at neutral quality
    log_day_cost: float  # log micros that everything on a mean day costs

    def open(self, event: Opening, tables: DayTables) -> Tracked:
        """Return mornings."""
        xp = array_namespace(event.log_multiplier)
        zero = xp.zeros_like(event.log_multiplier)
        history = xp.tile(zero[:, None, None], (1, max(_HISTORY, self.ticks), _FEATURES))
        return Tracked(
            xp.zeros_like(event.budget), event.budget, event.budget * 1, event.log_multiplier, history
        )

    def decode(self, tracked: Tracked, action: Array, tables: DayTables) -> Array:
        """Return (n,) log multipliers."""
        return self.bid_multiplier.apply(tracked.log_multiplier, action[:, 0])

    def note(self, tracked: Tracked, decision: Array, event: Report, tables: DayTables) -> Tracked:
        """Append a tick to the history, and read off the money left."""
        xp = array_namespace(decision)
        paid = event.spend / (xp.clip(event.wins, 1.0, None) * self.price_median)
        share = event.spend * (self.ticks * MICROS / self.price_median)
        share = share / xp.clip(xp.astype(tracked.budget, xp.float32), 1.0, None)
        row = (
            xp.ones_like(paid),
            decision / MAX_LOG_MULTIPLIER,
            xp.log(xp.clip(event.auctions, 0.5, None)) - tables.traffic[tracked.tick],
            event.wins / xp.clip(event.auctions, 1.0, None),
            xp.log1p(share) / 2.0,
            xp.where(event.wins > 0, xp.log(xp.clip(paid, 1e-6, None)), xp.zeros_like(paid)) / 2.0,
            xp.sqrt(event.conversions) / 5.0,
            xp.sqrt(event.value * self.conversion_rate) / 5.0,
        )
        history = xp.concat([tracked.history[:, 1:], xp.stack(row, -1)[:, None, :]], axis=1)
        return Tracked(tracked.tick + 1, tracked.budget, event.left, decision, history)

    def observe(self, tracked: Tracked, tables: DayTables) -> Array:
        """Return (n, d) observations, as `PacingTask` describes them."""
        xp = array_namespace(tracked.left)
        tick = tracked.tick
        budget = xp.clip(xp.astype(tracked.budget, xp.float32), 1.0, None)
        left = xp.astype(tracked.left, xp.float32) / budget
        traffic = tables.traffic_left[tick]
        tension = xp.log(xp.clip(left, 1e-3, None) / xp.clip(traffic, 1e-3, None))
        context = (
            tables.clock[tick, 0],
            tables.clock[tick, 1],
            1.0 - xp.astype(tick, xp.float32) / self.ticks,
            traffic,
            left,
            xp.clip(xp.log(budget) - self.log_day_cost, -8.0, 8.0) / 2.0,
            tracked.log_multiplier / MAX_LOG_MULTIPLIER,
            xp.clip(tension, -3.0, 3.0),
        )
        past = xp.reshape(tracked.history[:, -_HISTORY:], (tracked.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), xp.clip(past, -10.0, 10.0)], axis=1)
