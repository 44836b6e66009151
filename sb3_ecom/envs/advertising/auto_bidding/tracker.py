"""Tracked state of a bidder: clock, budget, target, own multipliers and the report of every tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier
from sb3_ecom.envs.advertising.day_tables import DayTables

_HISTORY = 12  # ticks that the observation remembers
_FEATURES = 10  # floats per remembered tick
LAYOUT = Layout(context=12, steps=_HISTORY, features=_FEATURES)


class Opening(NamedTuple):
    """Public event that opens a day."""

    budget: Array  # (n,) int64 micros
    target: Array  # (n,) money per conversion
    log_multiplier: Array  # (n,) of the day before


class Report(NamedTuple):
    """Public event of a tick: the platform's report, (n,) each."""

    auctions: Array  # offered
    mean_value: Array  # mean predicted conversions of an auction
    wins: Array
    spend: Array  # money
    predicted: Array  # conversions of the exposed at the predicted rates
    conversions: Array
    left: Array  # int64 micros of the day's budget


class Tracked(NamedTuple):
    """State that follows from public events, when a tick opens."""

    tick: Array  # (n,) int64
    budget: Array  # (n,) int64 micros, of the day
    left: Array  # (n,) int64 micros
    target: Array  # (n,) money per conversion
    log_multiplier: Array  # (n, 3) log of bid over target x predicted value, by slot
    totals: Array  # (n, 2) conversions so far: counted, predicted
    history: Array  # (n, >= HISTORY, FEATURES), newest last


@dataclass(frozen=True)
class AutoTracker:
    """Turns reports of ticks into observations, and actions into log multipliers."""

    bid_multiplier: BidMultiplier
    ticks: int  # of a day
    auctions: int  # of a mean day
    mean_value: float  # predicted conversions of an auction on a mean day
    log_budget: float  # log of the middle of the range of budgets
    log_target: float  # log of the middle of the range of targets

    def open(self, event: Opening, tables: DayTables) -> Tracked:
        """Return mornings."""
        xp = array_namespace(event.target)
        zero = xp.zeros_like(event.target)
        return Tracked(
            xp.zeros_like(event.budget),
            event.budget,
            event.budget * 1,
            event.target,
            xp.stack([event.log_multiplier] * SLOTS, axis=-1),
            xp.stack([zero] * 2, axis=-1),
            xp.tile(zero[:, None, None], (1, max(_HISTORY, self.ticks), _FEATURES)),
        )

    def decode(self, tracked: Tracked, action: Array, tables: DayTables) -> Array:
        """Return log multipliers: (n, 1), the same for every slot, or (n, 3)."""
        return self.bid_multiplier.apply(tracked.log_multiplier[:, : action.shape[1]], action)

    def note(self, tracked: Tracked, decision: Array, event: Report, tables: DayTables) -> Tracked:
        """Append a tick to the history, and read off the money left."""
        xp = array_namespace(event.spend)
        log_multiplier = decision + xp.zeros_like(tracked.log_multiplier)
        budget = xp.clip(xp.astype(tracked.budget, xp.float32) / MICROS, 1e-6, None)
        auctions = xp.clip(event.auctions, 1.0, None)
        wanted = xp.clip(budget / (tracked.target * self.ticks), 1e-6, None)  # of an even day on target
        row = [
            xp.ones_like(budget),
            *(log_multiplier[:, k] / MAX_LOG_MULTIPLIER for k in range(SLOTS)),
            xp.log(auctions) - xp.log(tables.traffic[tracked.tick] * self.auctions),
            xp.log(event.mean_value / self.mean_value),
            10.0 * event.wins / auctions,
            xp.log1p(event.spend * self.ticks / budget) / 2.0,
            xp.log1p(event.predicted / wanted) / 2.0,
            xp.log1p(event.conversions / wanted) / 2.0,
        ]
        newest = xp.clip(xp.stack(row, -1), -9.0, 9.0)[:, None, :]
        return tracked._replace(
            tick=tracked.tick + 1,
            left=event.left,
            log_multiplier=log_multiplier,
            totals=tracked.totals + xp.stack([event.conversions, event.predicted], axis=-1),
            history=xp.concat([tracked.history[:, 1:], newest], axis=1),
        )

    def observe(self, tracked: Tracked, tables: DayTables) -> Array:
        """Return (n, d) observations, as `AutoTask` describes them."""
        xp = array_namespace(tracked.left)
        tick = tracked.tick
        budget = xp.clip(xp.astype(tracked.budget, xp.float32) / MICROS, 1e-6, None)
        left = xp.astype(tracked.left, xp.float32) / MICROS
        spent = xp.clip(budget - left, 0.0, None)
        context = [
            tables.clock[tick, 0],
            tables.clock[tick, 1],
            1.0 - xp.astype(tick, xp.float32) / self.ticks,
            tables.traffic_left[tick],
            left / budget,
            xp.clip(xp.log(budget) - self.log_budget, -8.0, 8.0),
            xp.log(tracked.target) - self.log_target,
            *(tracked.log_multiplier[:, k] / MAX_LOG_MULTIPLIER for k in range(SLOTS)),
        ]
        for k in (1, 0):
            # Half a conversion more on each side: a day without conversions is not infinitely dear.
            ratio = xp.log((spent / tracked.target + 0.5) / (tracked.totals[:, k] + 0.5))
            context.append(xp.clip(ratio, -3.0, 3.0))
        past = xp.reshape(tracked.history[:, -_HISTORY:], (tracked.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), past], axis=1)
