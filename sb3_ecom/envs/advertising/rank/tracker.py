"""Tracked state of a platform: users, advertisers, its own rules and the bids and clicks of every day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.rank.dynamics import MAX_EXPONENT, MAX_LOG_RESERVE, Ranking

_HISTORY = 8  # days that the observation remembers
_FEATURES = 9  # floats per remembered day
LAYOUT = Layout(context=5, steps=_HISTORY, features=_FEATURES)


class Opening(NamedTuple):
    """Public event that opens an episode."""

    active: Array  # (n,) share of users
    present: Array  # (n,) share of advertisers
    reserve: Array  # (n,) log reserve in force so far: 0


class Report(NamedTuple):
    """Public event of a day, (n,) each: counts of the platform itself."""

    log_bid: Array  # mean over the ads that took part
    revenue: Array  # money
    pages: Array
    coverage: Array  # share of the exposure that was sold
    clicks: Array
    predicted: Array  # clicks at the predicted rates
    active: Array  # share of users, after the day
    present: Array  # share of advertisers, after the day


class Tracked(NamedTuple):
    """State that follows from public events, when a day opens."""

    day: Array  # (n,) int64
    active: Array  # (n,) share of users
    present: Array  # (n,) share of advertisers
    reserve: Array  # (n,) log reserve of the last day
    exponent: Array  # (n,) of the last day
    history: Array  # (n, HISTORY, FEATURES), newest last


@dataclass(frozen=True)
class RankTracker:
    """Turns daily counts into observations, and actions into rankings."""

    days: int  # of an episode
    page_clicks: float  # clicks that a page full of median ads invites

    def open(self, event: Opening, tables: None) -> Tracked:
        """Return first mornings."""
        xp = array_namespace(event.active)
        zero = event.reserve * 1.0
        history = xp.tile(zero[:, None, None], (1, _HISTORY, _FEATURES))
        return Tracked(xp.astype(zero, xp.int64), *event, zero + 1.0, history)

    def decode(self, tracked: Tracked, action: Array, tables: None) -> Ranking:
        """Return reserves and exponents."""
        return Ranking(action[:, 0] * MAX_LOG_RESERVE, (action[:, 1] + 1.0) * (MAX_EXPONENT / 2))

    def note(self, tracked: Tracked, decision: Ranking, event: Report, tables: None) -> Tracked:
        """Append a day to the history."""
        xp = array_namespace(event.revenue)
        pages = xp.clip(event.pages, 1.0, None)
        row = (
            xp.ones_like(event.revenue),
            event.log_bid,
            decision.log_reserve / MAX_LOG_RESERVE,
            decision.exponent,
            xp.log1p(event.revenue / pages * 10.0),
            event.coverage,
            event.clicks / pages / self.page_clicks,
            event.predicted / pages / self.page_clicks,
            (event.active - tracked.active) * 20.0,
        )
        newest = xp.clip(xp.stack(row, -1), -9.0, 9.0)[:, None, :]
        history = xp.concat([tracked.history[:, 1:], newest], axis=1)
        return Tracked(tracked.day + 1, event.active, event.present, *decision, history)

    def observe(self, tracked: Tracked, tables: None) -> Array:
        """Return (n, d) observations, as `RankTask` describes them."""
        xp = array_namespace(tracked.active)
        context = (
            1.0 - xp.astype(tracked.day, xp.float32) / self.days,
            tracked.active,
            tracked.present,
            tracked.reserve / MAX_LOG_RESERVE,
            tracked.exponent,
        )
        past = xp.reshape(tracked.history, (tracked.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), past], axis=1)
