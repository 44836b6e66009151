"""Tools of a planning bidder: the landscape inverted, and beliefs about the hidden market."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import build_landscape
from sb3_ecom.envs.advertising.pacing.tracker import LAYOUT


class Observed(NamedTuple):
    """An observation in natural units, (n,) each; money in micros of the median price."""

    tick: NDArray[np.int64]
    left: Floats  # money
    budget: Floats  # money
    log_multiplier: Floats
    tension: Floats  # log of budget left over traffic left
    valid: NDArray[np.bool_]  # a tick has passed; the rest is about that tick
    log_traffic: Floats  # auctions against the mean day
    win_rate: Floats
    spend: Floats  # of an even day's spend per tick
    conversions: Floats
    neutral: Floats  # conversions that the value bought gives at neutral quality


def unscale(task: PacingTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `PacingTracker.observe`."""
    context, history = LAYOUT.split(observation.astype(np.float64))
    last = history[:, -1]
    scale = np.log(MICROS * task.day_cost / task.params.price_median)
    budget = np.exp(context[:, 5] * 2.0 + scale)
    return Observed(
        tick=np.rint((1.0 - context[:, 2]) * task.horizon).astype(np.int64),
        left=context[:, 4] * budget,
        budget=budget,
        log_multiplier=context[:, 6] * MAX_LOG_MULTIPLIER,
        tension=context[:, 7],
        valid=last[:, 0] > 0.5,
        log_traffic=last[:, 2],
        win_rate=last[:, 3],
        spend=np.expm1(last[:, 4] * 2.0),
        conversions=(last[:, 6] * 5.0) ** 2,
        neutral=(last[:, 7] * 5.0) ** 2,
    )


def multiplier_action(task: PacingTask, observed: Observed, target: Floats) -> NDArray[np.float32]:
    """Return the action that sets the log multiplier to `target`, or moves there as fast as it may."""
    return np.asarray(task.tracker.bid_multiplier.action_to(observed.log_multiplier, target))[:, None]


class Planner:
    """Chooses multipliers that spend a budget where a unit of money buys most.

    Per auction and relative to the price level e^m, a log multiplier u above m buys V(u) and costs S(u).
    With a shadow price l on money the best u solves q V'(u) = l e^m S'(u); at second price V'/S' = e^-u,
    so the bid is q v / l. The plan looks for the l whose expected spend is the budget.
    """

    def __init__(self, task: PacingTask) -> None:
        landscape = build_landscape(task.params)
        second = self._second = task.params.auction == "second"
        cost = landscape.second if second else landscape.first
        self._gap, self._wins, self._cost = landscape.gap, landscape.wins, cost
        self._rise = np.append(np.diff(cost), 0.0)
        if second:
            self._log_return = -landscape.gap
        else:
            inner = (landscape.wins > 1e-4) & (landscape.wins < 1 - 1e-4)
            rate = np.gradient(landscape.value)[inner] / np.gradient(cost)[inner]
            # Beyond the inner gaps money buys as at their edges; the floor keeps the law falling.
            log_rate = np.minimum.accumulate(np.log(rate)) - 1e-9 * np.arange(rate.size)
            self._log_return = np.interp(landscape.gap, landscape.gap[inner], log_rate) - 1e-9 * landscape.gap

    def level_of(self, win_rate: Floats, log_multiplier: Floats) -> Floats:
        """Return the log price level at which this multiplier wins this share of auctions."""
        inner = np.clip(win_rate, 1e-3, 1 - 1e-3)
        return np.asarray(log_multiplier - np.interp(inner, self._wins, self._gap))

    def bids(self, level: Floats, log_quality: Floats, log_price: Floats) -> Floats:
        """Return log multipliers for a log shadow price; shapes broadcast."""
        wanted = log_price + level - log_quality
        gap = -wanted if self._second else np.interp(-wanted, -self._log_return, self._gap)
        return np.asarray(np.clip(gap + level, -MAX_LOG_MULTIPLIER, MAX_LOG_MULTIPLIER))

    def spend(self, level: Floats, log_multiplier: Floats) -> Floats:
        """Return the expected cost per auction."""
        return np.asarray(self._cost_at(log_multiplier - level) * np.exp(level))

    def _cost_at(self, gap: Floats) -> Floats:
        """Return the cost over the price level; the grid is even, so a place is found without a search."""
        place = np.clip((gap - self._gap[0]) / (self._gap[1] - self._gap[0]), 0, self._gap.size - 1.001)
        low = place.astype(np.int64)
        return np.asarray(self._cost[low] + (place - low) * self._rise[low])

    def solve(self, auctions: Floats, level: Floats, log_quality: Floats, money: Floats) -> Floats:
        """Return the (n,) log shadow price at which (n, k) ticks are expected to spend `money`."""
        low, high = np.full(money.shape, -8.0), np.full(money.shape, 8.0)
        weight = auctions * np.exp(level)
        for _ in range(16):  # to 2e-4
            middle = (low + high) / 2
            bids = self.bids(level, log_quality, middle[:, None])
            over = (weight * self._cost_at(bids - level)).sum(1) > money
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        return np.asarray((low + high) / 2)


class LevelFilter:
    """Kalman filter of a hidden log level: a constant of the day plus an AR(1), observed with noise."""

    def __init__(self, day_sd: float, ar: float, ar_sd: float, noise_sd: float) -> None:
        self._ar, self._noise = ar, noise_sd**2
        self._transition = np.array([1.0, ar])
        self._shock = np.diag([0.0, ar_sd**2 * (1 - ar**2)])
        self._start = np.diag([day_sd**2, ar_sd**2])
        self.mean = np.zeros((0, 2))
        self.cov = np.zeros((0, 2, 2))

    def restart(self, rows: NDArray[np.bool_]) -> None:
        """Forget the given copies."""
        if self.mean.shape[0] != rows.size:
            self.mean = np.zeros((rows.size, 2))
            self.cov = np.tile(self._start, (rows.size, 1, 1))
        self.mean[rows] = 0.0
        self.cov[rows] = self._start

    def learn(self, observed: Floats, rows: NDArray[np.bool_], extra: Floats | float = 0.0) -> None:
        """Take in one observation of the tick that ended (with extra variance), then move on a tick."""
        total = self.cov.sum((1, 2)) + self._noise + extra
        gain = self.cov.sum(2) / total[:, None] * rows[:, None]
        self.mean = (self.mean + gain * (observed - self.mean.sum(1))[:, None]) * np.where(
            rows[:, None], self._transition, 1.0
        )
        cov = self.cov - gain[:, :, None] * self.cov.sum(1)[:, None, :]
        moved = cov * np.outer(self._transition, self._transition) + self._shock
        self.cov = np.where(rows[:, None, None], moved, self.cov)

    def forecast(self, ticks: int) -> Floats:
        """Return (n, ticks) expected levels from the coming tick on."""
        powers = self._ar ** np.arange(ticks)
        return np.asarray(self.mean[:, :1] + self.mean[:, 1:] * powers)
