"""Tracked state of an advertiser: calendar, account, own spends and the reported revenue by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.advertising.channel import dynamics
from sb3_ecom.envs.advertising.channel.dynamics import Spend, Tables

_HISTORY = 7  # days that the observation remembers
CONTEXT = 6  # floats before the per-channel ones


class Opening(NamedTuple):
    """Public event that opens a campaign."""

    first_weekday: Array  # (n,) int64, 0 is Monday
    peak: Array  # (n,) day of the season's height
    demand: Array  # (n,) of the first day


class Report(NamedTuple):
    """Public event of a day."""

    revenue: Array  # (n, K)
    demand: Array  # (n,) of the day that begins


class Tracked(NamedTuple):
    """State that follows from public events, in the morning."""

    day: Array  # (n,) int64
    first_weekday: Array  # (n,) int64
    peak: Array  # (n,) day of the season's height
    demand: Array  # (n,) of the day
    account: Array  # (n,) days of income that can be spent today
    stock: Array  # (n, K) adstock carried over from yesterday, before today's spend
    earned: Array  # (n, K) revenue so far
    planned: Array  # (n, K) revenue so far if every effect were 1 and nothing random
    history: Array  # (n, HISTORY, 1 + 2 K): validity, spends, log revenue against plan; newest last


def layout(channels: int) -> Layout:
    """Return the layout of observations of so many channels."""
    return Layout(context=CONTEXT + 2 * channels, steps=_HISTORY, features=1 + 2 * channels)


@dataclass(frozen=True)
class ChannelTracker:
    """Turns days of spends and revenue into observations, and actions into spends."""

    days: int  # of a campaign
    channels: int

    def open(self, event: Opening, tables: Tables) -> Tracked:
        """Return first mornings: a day of income in the account, nothing spent."""
        xp = array_namespace(event.peak)
        one = xp.ones_like(event.peak)
        zero = xp.tile((one * 0.0)[:, None], (1, self.channels))
        history = xp.tile(zero[:, :1, None], (1, _HISTORY, 1 + 2 * self.channels))
        day = xp.zeros_like(event.first_weekday)
        return Tracked(day, *event, one, zero, zero * 1.0, zero * 1.0, history)

    def decode(self, tracked: Tracked, action: Array, tables: Tables) -> Spend:
        """Return what the shares of the account come to."""
        shares = dynamics.split(action)
        return Spend(tracked.account[:, None] * shares[:, :-1], tracked.account * shares[:, -1])

    def note(self, tracked: Tracked, decision: Spend, event: Report, tables: Tables) -> Tracked:
        """Append spends and revenue to the history, and add the next day's income to the account."""
        xp = array_namespace(event.demand)
        stock = tracked.stock + decision.spend
        planned = dynamics.mean_revenue(stock, tracked.demand, tables)
        index = xp.log((event.revenue + 1e-3) / (planned + 1e-3))
        row = xp.concat([xp.ones_like(event.demand)[:, None], decision.spend, index], axis=1)
        return Tracked(
            tracked.day + 1,
            tracked.first_weekday,
            tracked.peak,
            event.demand,
            decision.saved + 1.0,
            stock * tables.carry,
            tracked.earned + event.revenue,
            tracked.planned + planned,
            xp.concat([tracked.history[:, 1:], row[:, None, :]], axis=1),
        )

    def observe(self, tracked: Tracked, tables: Tables) -> Array:
        """Return (n, d) observations, as `ChannelTask` describes them."""
        xp = array_namespace(tracked.peak)
        day = xp.astype(tracked.day, xp.float32)
        angle = xp.astype((tracked.first_weekday + tracked.day) % 7, xp.float32) * (2 * math.pi / 7)
        context = (
            1.0 - day / self.days,
            xp.log(xp.clip(tracked.account, 1e-3, None)) / 2.0,
            tracked.demand - 1.0,
            xp.clip((tracked.peak - day) / 20.0, -3.0, 3.0),
            xp.sin(angle),
            xp.cos(angle),
        )
        stock = xp.clip(tracked.stock / tables.saturation, 0.0, 10.0)
        index = xp.clip(xp.log((tracked.earned + 1e-2) / (tracked.planned + 1e-2)), -4.0, 4.0)
        past = xp.clip(xp.reshape(tracked.history, (day.shape[0], -1)), -6.0, 6.0)
        return xp.concat([xp.stack(context, -1), stock, index, past], axis=1)
