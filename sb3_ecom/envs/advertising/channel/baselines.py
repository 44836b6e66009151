"""Textbook ways to split a media budget, from observations only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats, tree_take
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.channel.dynamics import SHARPNESS, demand
from sb3_ecom.envs.advertising.channel.env import ChannelTask
from sb3_ecom.envs.advertising.channel.tracker import CONTEXT


class Observed(NamedTuple):
    """An observation in natural units."""

    day: NDArray[np.int64]  # (n,)
    account: Floats  # (n,)
    demand: Floats  # (n,)
    peak: Floats  # (n,) day of the season's height
    weekday: NDArray[np.int64]  # (n,)
    stock: Floats  # (n, K)
    log_index: Floats  # (n, K) log of revenue so far over plan


def _unscale(task: ChannelTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `ChannelTracker.observe`."""
    context, _ = task.layout.split(observation.astype(np.float64))
    k = task.params.channels
    day = np.rint((1.0 - context[:, 0]) * task.horizon).astype(np.int64)
    weekday = np.rint(np.arctan2(context[:, 4], context[:, 5]) * 7 / (2 * np.pi)).astype(np.int64) % 7
    return Observed(
        day,
        np.exp(context[:, 1] * 2.0),
        context[:, 2] + 1.0,
        day + context[:, 3] * 20.0,
        weekday,
        context[:, CONTEXT : CONTEXT + k] * np.asarray(task.params.saturation),
        context[:, CONTEXT + k :],
    )


def spend_action(spend: Floats, account: Floats) -> NDArray[np.float32]:
    """Return the action whose shares are the (n, K) spends of the account; the rest is saved."""
    saved = np.maximum(account - spend.sum(1), 0.0)
    shares = np.concatenate([spend, saved[:, None]], 1) / account[:, None]
    logits = np.log(np.maximum(shares, 1e-9)) / SHARPNESS
    centred = logits - logits.max(1, keepdims=True) + 1.0
    return np.asarray(np.clip(centred, -1.0, 1.0), dtype=np.float32)


def fill_channels(level: Floats, saturation: Floats, budget: Floats) -> Floats:
    """Return (n, K) spends that maximise sum level (1 - exp(-s / saturation)) under an (n,) budget.

    Water-filling: s = saturation [ln(level / (saturation nu))]^+ with nu found by bisection.
    """
    slope = np.log(level / saturation)
    low, high = slope.min(1) - 60.0, slope.max(1)
    for _ in range(50):
        middle = (low + high) / 2
        total = (saturation * np.maximum(slope - middle[:, None], 0.0)).sum(1)
        low, high = np.where(total > budget, middle, low), np.where(total > budget, high, middle)
    return np.asarray(saturation * np.maximum(slope - high[:, None], 0.0))


def _channel(task: Task) -> ChannelTask:
    if not isinstance(task, ChannelTask):
        raise ValueError(f"a policy of EcomAdsChannel needs its task, got {type(task).__name__}")
    return task


def uniform(task: Task) -> Policy:
    """Split every day's income evenly."""
    own = _channel(task)

    def spread(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        account = _unscale(own, observation).account
        return spend_action(
            np.tile(account[:, None] / own.params.channels, (1, own.params.channels)), account
        )

    return spread


def water_filling(task: Task) -> Policy:
    """Fill the channels as if effects were average and nothing carried over."""
    own = _channel(task)
    ceiling, saturation = np.asarray(own.params.ceiling), np.asarray(own.params.saturation)

    def spread(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        account = _unscale(own, observation).account
        return spend_action(fill_channels(np.tile(ceiling, (account.size, 1)), saturation, account), account)

    return spread


def _believed_effect(task: ChannelTask, observed: Observed) -> Floats:
    """Return effects: the observed index, drawn to the prior by the number of days observed."""
    variance = task.params.noise_sd**2 / np.maximum(observed.day, 1)[:, None]
    prior = task.params.effect_sd**2
    weight = np.where(observed.day[:, None] > 0, prior / (prior + variance), 0.0)
    if prior == 0:
        return np.ones_like(observed.log_index)
    mean = (1 - weight) * (-prior / 2) + weight * observed.log_index
    return np.asarray(np.exp(mean + (1 - weight) * prior / 2))


def learning_water_filling(task: Task) -> Policy:
    """Fill the channels by the effects that revenue suggests, in the steady state of carry-over."""
    own = _channel(task)
    ceiling, saturation = np.asarray(own.params.ceiling), np.asarray(own.params.saturation)
    steady = saturation * (1 - np.asarray(own.params.carry))

    def spread(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = _unscale(own, observation)
        return spend_action(
            fill_channels(ceiling * _believed_effect(own, observed), steady, observed.account),
            observed.account,
        )

    return spread


class _Planned:
    """Certainty-equivalent plan: one price of money for all remaining days, and today's part of it.

    The stock each channel should have is x_t = saturation [ln(level_t / (saturation nu (1 - carry)))]^+;
    nu makes the plan cost the account and all income to come. It is found by secant steps from yesterday's.

    Args:
        task: whose parameters are known.
        steps: of the secant a day.
        scale: coefficients of the log of today's spend over the plan's, by powers of the share of days gone.
    """

    def __init__(self, task: ChannelTask, steps: int = 6, scale: tuple[float, ...] = (0.0,)) -> None:
        self._task, self._steps, self._scale = task, steps, scale
        params = task.params
        self._ceiling, self._saturation = np.asarray(params.ceiling), np.asarray(params.saturation)
        self._carry = np.asarray(params.carry)
        self._price = np.zeros(0)

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Spend today's part of the plan."""
        observed = _unscale(self._task, observation)
        if self._price.size != observed.day.size:
            self._price = np.zeros(observed.day.size)
        spend = np.zeros_like(observed.stock)
        for day in np.unique(observed.day):  # copies in step share one plan
            rows = np.flatnonzero(observed.day == day)
            spend[rows] = self._plan(int(day), tree_take(observed, rows), rows)
        progress = observed.day / self._task.horizon
        log_scale = sum(part * progress**power for power, part in enumerate(self._scale))
        spend = spend * np.exp(np.asarray(log_scale)).reshape(-1, 1)
        total = spend.sum(1)
        scale = np.minimum(1.0, observed.account / np.maximum(total, 1e-9))
        return spend_action(spend * scale[:, None], observed.account)

    def _plan(self, day: int, observed: Observed, rows: NDArray[np.int64]) -> Floats:
        days = max(self._task.horizon - day, 1)
        effect = _believed_effect(self._task, observed)
        slope = np.log(self._ceiling * effect / (self._saturation * (1 - self._carry)))
        slope = slope[:, None, :] + np.log(self._demand(observed, days))[:, :, None]
        money = observed.account + days - 1
        price = np.where(day == 0, slope.mean((1, 2)), self._price[rows])
        for k in range(self._steps + 20 * (day == 0)):
            stock = self._saturation * np.maximum(slope - price[:, None, None], 0.0)
            cost = self._cost(stock, observed.stock)
            # One more unit of log price takes saturation (1 - carry) from every open channel.
            open_channels = (stock > 0) * self._saturation * (1 - self._carry)
            width = np.maximum(open_channels.sum((1, 2)), 1.0)
            price = price + np.clip((cost - money) / width, -0.5, 0.5) * (0.9 if k else 1.0)
        self._price[rows] = price
        stock = self._saturation * np.maximum(slope[:, 0] - price[:, None], 0.0)
        return np.asarray(np.maximum(stock - observed.stock, 0.0))

    def _cost(self, stock: Floats, today: Floats) -> Floats:
        """Return the (n,) cost of (n, days, K) stocks; stock that must fall falls by itself."""
        first = np.maximum(stock[:, 0] - today, 0.0).sum(1)
        rises = np.maximum(stock[:, 1:] - self._carry * stock[:, :-1], 0.0)
        return np.asarray(first + rises.sum((1, 2)))

    def _demand(self, observed: Observed, days: int) -> Floats:
        day = observed.day[:, None] + np.arange(days)
        first_weekday = (observed.weekday - observed.day)[:, None]
        tables = self._task.tables.public
        return np.asarray(demand(day, first_weekday, observed.peak[:, None], self._task.params, tables))


def planned(task: Task) -> Policy:
    """Plan the rest of the campaign every day, with carry-over, season and learned effects."""
    return _Planned(_channel(task))


def scaled_plan(task: Task, level: float = 0.0, slope: float = 0.0, bend: float = 0.0) -> Policy:
    """Plan every day, and spend more or less than the plan as the campaign goes on.

    The plan takes believed effects for known; what is learnt by spending early, and what is still unsure, it
    does not count. Three numbers make up for it: log of the spend over the plan's = level + slope x + bend
    x^2, x the share of days gone.
    """
    return _Planned(_channel(task), scale=(level, slope, bend))
