"""Textbook bidders for EcomAds, from observations and the market's history (its landscape) only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER, arriving
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import build_tables
from sb3_ecom.envs.advertising.pacing.planning import (
    LevelFilter,
    Observed,
    Planner,
    multiplier_action,
    unscale,
)


def pacing_task(task: Task) -> PacingTask:
    """Return the task; raise ValueError unless it is EcomAds."""
    if not isinstance(task, PacingTask):
        raise ValueError(f"a bidder of EcomAds needs its task, got {type(task).__name__}")
    return task


def landscape_constant(task: PacingTask, thrift: float = 1.0) -> Callable[[Observed], Floats]:
    """Return budget -> the constant log multiplier that spends `thrift` x budget on a mean day."""
    planner, tables, params = Planner(task), build_tables(task.params), task.params
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    sd = np.linalg.norm(
        [params.price_day_sd, params.price_ar_sd, params.price_jitter_sd, params.price_regime]
    )
    profile = tables.price[:-1].astype(np.float64) - np.log(params.price_median)
    level = profile[:, None] + sd * nodes
    auctions = np.exp(tables.traffic[:-1].astype(np.float64))
    grid = np.linspace(-3.0, 3.0, 121)
    spend = [float(auctions @ planner.spend(level, np.asarray(g)) @ weights) for g in grid]
    log_spend = np.log(np.asarray(spend) / weights.sum() * 1e6)

    def choose(observed: Observed) -> Floats:
        return np.asarray(np.interp(np.log(np.maximum(thrift * observed.budget, 1.0)), log_spend, grid))

    return choose


def constant(task: Task, thrift: float = 1.1) -> Policy:
    """Bid the landscape-optimal constant all day."""
    own = pacing_task(task)
    choose = landscape_constant(own, thrift)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        return multiplier_action(own, observed, choose(observed))

    return bid


def pid(task: Task, proportional: float = 0.3, derivative: float = 0.15) -> Policy:
    """Raise the bid when the budget lasts longer than the traffic.

    The integral of the spending error is the budget that is left over, so the observation holds it; the
    derivative is the last tick's spend against the plan.
    """
    own = pacing_task(task)
    choose, share = landscape_constant(own), _tick_shares(own)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        error = observed.spend / share[np.maximum(observed.tick - 1, 0)] - 1.0
        change = proportional * observed.tension - derivative * np.clip(error, -2.0, 2.0)
        return multiplier_action(
            own, observed, np.where(observed.tick < 4, choose(observed), observed.log_multiplier + change)
        )

    return bid


def dual_pacing(task: Task, rate: float = 0.35) -> Policy:
    """Adaptive pacing: the price of money mu moves against the gap of spend and target.

    Source: Balseiro and Gur (2019), mu <- clip(mu - eps (rho - spend)), bids v / mu; here the target rho
    follows the traffic that is left, and the step is relative: log mu <- log mu + eps (spend / rho - 1).
    """
    own = pacing_task(task)
    choose, share = landscape_constant(own), _tick_shares(own)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        target = share[np.maximum(observed.tick - 1, 0)] * np.exp(observed.tension)
        error = np.clip(observed.spend / np.maximum(target, 1e-3) - 1.0, -1.0, 3.0)
        return multiplier_action(
            own,
            observed,
            np.where(observed.tick < 4, choose(observed), observed.log_multiplier - rate * error),
        )

    return bid


def _tick_shares(task: PacingTask) -> Floats:
    """Return traffic of each tick, mean 1."""
    left = build_tables(task.params).traffic_left.astype(np.float64)
    return np.asarray((left[:-1] - left[1:]) * task.horizon)


class ModelPredictive:
    """Filter price level and traffic, then plan the rest of the day against the landscape, every tick.

    Args:
        task: the market whose parameters (not its hidden state) the bidder knows.
        dayparting: bid with the known time-of-day quality instead of the mean.
        feedback: infer the hidden quality regime from conversions (a two-state Bayes filter).
    """

    num_offsets, num_features = 1, 3
    feature_names = ("planned log multiplier", "way from the present to the planned one", "good regime")
    _observed: Observed
    _target: Floats

    def __init__(self, task: PacingTask, *, dayparting: bool, feedback: bool) -> None:
        self._task, self._planner = task, Planner(task)
        params, tables = task.params, build_tables(task.params)
        self._dayparting, self._feedback = dayparting, feedback
        self._traffic = tables.traffic[:-1].astype(np.float64)
        self._price = tables.price[:-1].astype(np.float64) - np.log(params.price_median)
        self._swing = tables.quality[:-1].astype(np.float64) * dayparting
        noise = float(np.hypot(params.price_jitter_sd, params.price_regime))
        self.levels = LevelFilter(params.price_day_sd, params.price_ar, params.price_ar_sd, noise)
        self.volume = LevelFilter(params.traffic_day_sd, params.traffic_ar, params.traffic_ar_sd, 0.05)
        self.good = np.zeros(0)  # chance of the good regime
        self._waiting = np.zeros(0)  # expected conversions on their way

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bid."""
        self.features(observation)
        return self.act(np.zeros((len(observation), self.num_offsets)))

    def features(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Learn from the tick that ended and plan; return (n, 3) features for a learner on top.

        They are the planned log multiplier over its limit, its distance from the present one, and the
        chance of the good regime, from -1 to 1.
        """
        self._observed = unscale(self._task, observation)
        self.update(self._observed)
        target = np.zeros(self._observed.left.shape)
        for tick in np.unique(self._observed.tick):  # copies in step share one call
            rows = np.flatnonzero(self._observed.tick == tick)
            target[rows] = self._plan(int(tick), rows, self._observed.left[rows])
        self._target = target
        move = np.clip(target - self._observed.log_multiplier, -2.0, 2.0)
        return np.stack([target / MAX_LOG_MULTIPLIER, move, 2.0 * self.good - 1.0], -1).astype(np.float32)

    def act(self, shift: Floats) -> NDArray[np.float32]:
        """Return the actions of the plan, its log multipliers shifted by (n, 1)."""
        return multiplier_action(self._task, self._observed, self._target + shift[:, 0])

    def memory(self) -> dict[str, Floats]:
        """Return the beliefs about the market, by name."""
        return {
            "level_mean": self.levels.mean,
            "level_cov": self.levels.cov,
            "volume_mean": self.volume.mean,
            "volume_cov": self.volume.cov,
            "good": self.good,
            "waiting": self._waiting,
        }

    def recall(self, memory: Mapping[str, Floats]) -> None:
        """Take over the beliefs of another bidder."""
        self.levels.mean, self.levels.cov = memory["level_mean"], memory["level_cov"]
        self.volume.mean, self.volume.cov = memory["volume_mean"], memory["volume_cov"]
        self.good, self._waiting = memory["good"], memory["waiting"]

    def _plan(self, tick: int, rows: NDArray[np.int64], left: Floats) -> Floats:
        ahead = slice(min(tick, self._task.horizon - 1), None)
        ticks = self._traffic[ahead].size
        auctions = np.exp(self._traffic[ahead] + self.volume.forecast(ticks)[rows])
        level = self._price[ahead] + self.levels.forecast(ticks)[rows]
        quality = self.swing(rows, ahead) + self.regime(rows, ticks)
        price = self._planner.solve(auctions, level, quality, left / 1e6)
        return np.asarray(self._planner.bids(level[:, :1], quality[:, :1], price[:, None])[:, 0])

    def swing(self, rows: NDArray[np.int64], ahead: slice) -> Floats:
        """Return log quality by time of day, (n or 1, ticks)."""
        return np.asarray(self._swing[None, ahead])

    def regime(self, rows: NDArray[np.int64], ticks: int) -> Floats:
        """Return (n, ticks) log of the expected regime factor."""
        params = self._task.params
        if not self._feedback:
            return np.zeros((rows.size, ticks))
        decay = (1 - 2 * params.switch) ** np.arange(ticks)
        good = 0.5 + (self.good[rows, None] - 0.5) * decay
        up = np.exp(params.quality_regime)
        return np.asarray(np.log(good * up + (1 - good) / up))

    def update(self, observed: Observed) -> None:
        """Learn from the tick that ended."""
        fresh = ~observed.valid
        self.levels.restart(fresh)
        self.volume.restart(fresh)
        if self.good.size != fresh.size:
            self.good, self._waiting = np.full(fresh.size, 0.5), np.zeros(fresh.size)
        self.good[fresh], self._waiting[fresh] = 0.5, 0.0
        before = np.maximum(observed.tick - 1, 0)
        level = self._planner.level_of(observed.win_rate, observed.log_multiplier) - self._price[before]
        count = np.exp(self._traffic[before] + observed.log_traffic)
        wins = np.clip(observed.win_rate, 0.01, 0.99)
        # A win rate of w in n auctions determines the level to about sqrt((1 - w) / (w n)).
        usable = observed.valid & (observed.left > 0.002 * observed.budget)
        self.levels.learn(
            np.where(usable, level, 0.0), observed.valid, np.where(usable, 1 / (wins * count), 1e6)
        )
        self.volume.learn(observed.log_traffic, observed.valid)
        self._update_quality(observed, before)

    def _update_quality(self, observed: Observed, before: NDArray[np.int64]) -> None:
        """Update the chance of the good regime by the Poisson likelihood of the conversions.

        With a delay, conversions still on their way enter by their expectation.
        """
        params = self._task.params
        up = params.quality_regime
        mean = observed.neutral * np.exp(build_tables(params).quality[before].astype(np.float64))
        high, low = (arriving(self._waiting + mean * np.exp(sign * up), params) + 1e-9 for sign in (1, -1))
        log_odds = observed.conversions * np.log(high / low) - (high - low)
        odds = np.log(self.good / (1 - self.good)) + np.where(observed.valid, log_odds, 0.0)
        good = 1 / (1 + np.exp(-np.clip(odds, -12, 12)))
        bought = mean * (good * np.exp(up) + (1 - good) * np.exp(-up))
        waiting = self._waiting + np.where(observed.valid, bought, 0.0)
        self._waiting = waiting - arriving(waiting, params)
        moved = good * (1 - params.switch) + (1 - good) * params.switch
        self.good = np.where(observed.valid, moved, self.good)


def model_predictive(task: Task) -> Policy:
    """Plan with the mean quality: pacing without a view on conversions."""
    return ModelPredictive(pacing_task(task), dayparting=False, feedback=False)


def model_predictive_feedback(task: Task) -> Policy:
    """Plan with day-parting and the regime that the conversions suggest."""
    return ModelPredictive(pacing_task(task), dayparting=True, feedback=True)
