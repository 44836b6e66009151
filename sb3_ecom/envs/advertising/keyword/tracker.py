"""Tracked state of a search advertiser: budget, revenue per conversion, own bids and daily reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.keyword.dynamics import bids_from

_HISTORY = 4  # days that the observation remembers
FEATURES = 4  # floats per keyword and day: root of bid, win rate, clicks, conversions
CONTEXT = 5  # floats before the per-keyword ones


class Opening(NamedTuple):
    """Public event that opens a campaign."""

    budget: Array  # (n,) int64 micros per day
    revenue: Array  # (n, K) money per conversion


class Report(NamedTuple):
    """Public event of a day: the engine's report."""

    events: Array  # (n, K, 3) impressions, clicks, conversions
    clicks: Array  # (n,)
    cost: Array  # (n,) money
    met: Array  # (n,) share of the day's searches that came before the budget was gone


class Tracked(NamedTuple):
    """State that follows from public events, in the morning."""

    day: Array  # (n,) int64
    budget: Array  # (n,) int64 micros per day
    revenue: Array  # (n, K) money per conversion
    totals: Array  # (n, K, 3) impressions, clicks, conversions so far
    last: Array  # (n, 3) of yesterday: budget share spent, money per click, share of searches met in budget
    history: Array  # (n, HISTORY, 1 + FEATURES K) newest last


def layout(keywords: int) -> Layout:
    """Return the layout of observations of so many keywords."""
    return Layout(context=CONTEXT + 4 * keywords, steps=_HISTORY, features=1 + FEATURES * keywords)


@dataclass(frozen=True)
class KeywordTracker:
    """Turns daily reports into observations, and actions into bids."""

    keywords: int
    days: int  # of a campaign
    volume: float  # mean searches per keyword and day
    conversion_scale: float  # of conversion rates
    mean_budget: float  # money per keyword and day that scales the observed budget

    def open(self, event: Opening, tables: None) -> Tracked:
        """Return first mornings."""
        xp = array_namespace(event.budget)
        zero = xp.zeros_like(event.revenue)
        return Tracked(
            xp.zeros_like(event.budget),
            event.budget,
            event.revenue,
            xp.stack([zero, zero, zero], axis=-1),
            xp.stack([zero[:, 0]] * 3, axis=-1),
            xp.tile(zero[:, :1, None], (1, _HISTORY, 1 + FEATURES * self.keywords)),
        )

    def decode(self, tracked: Tracked, action: Array, tables: None) -> Array:
        """Return (n, K) bids per click, money."""
        return bids_from(action)

    def note(self, tracked: Tracked, decision: Array, event: Report, tables: None) -> Tracked:
        """Append a day's report to the history and the totals."""
        xp = array_namespace(decision)
        impressions, clicks, conversions = (event.events[..., i] for i in range(3))
        row = [
            xp.ones_like(decision[:, :1]),
            xp.sqrt(decision),
            impressions / self.volume,
            xp.sqrt(clicks) / 4.0,
            xp.sqrt(conversions) / 4.0,
        ]
        budget = xp.astype(tracked.budget, xp.float32) / MICROS
        spent = event.cost / xp.clip(budget, 1e-6, None)
        return Tracked(
            tracked.day + 1,
            tracked.budget,
            tracked.revenue,
            tracked.totals + event.events,
            xp.stack([spent, event.cost / xp.clip(event.clicks, 1.0, None), event.met], axis=-1),
            xp.concat([tracked.history[:, 1:], xp.concat(row, axis=1)[:, None, :]], axis=1),
        )

    def observe(self, tracked: Tracked, tables: None) -> Array:
        """Return (n, d) observations, as `KeywordTask` describes them."""
        xp = array_namespace(tracked.revenue)
        budget = xp.astype(tracked.budget, xp.float32) / (self.mean_budget * self.keywords * MICROS)
        context = (
            1.0 - xp.astype(tracked.day, xp.float32) / self.days,
            xp.log(xp.clip(budget, 1e-4, None)),
            tracked.last[:, 0],
            xp.log(xp.clip(tracked.last[:, 1], 1e-2, None)),
            tracked.last[:, 2],
        )
        impressions, clicks, conversions = (tracked.totals[..., i] for i in range(3))
        scale = self.conversion_scale
        parts = (
            xp.stack(context, axis=-1),
            tracked.revenue * scale,
            xp.log1p(impressions) / 5.0,
            xp.log1p(clicks) / 5.0,
            (conversions + 5.0 * scale) / (clicks + 7.0) / scale,
            xp.reshape(tracked.history, (tracked.history.shape[0], -1)),
        )
        return xp.clip(xp.concat(list(parts), axis=1), -19.0, 19.0)
