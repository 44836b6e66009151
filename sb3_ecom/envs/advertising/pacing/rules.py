"""More textbook bidders for EcomAds: one price for all days, an online linear programme, marginal returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.baselines import landscape_constant, pacing_task
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER, relative_price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.planning import multiplier_action, unscale
from sb3_ecom.envs.advertising.pacing.replay import replay_market

GRID = np.linspace(-MAX_LOG_MULTIPLIER, MAX_LOG_MULTIPLIER, 121)  # log multipliers


def fixed_cpa(task: Task, log_multiplier: float = 0.2) -> Policy:
    """Bid one price per predicted conversion, whatever the budget."""
    own = pacing_task(task)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        return multiplier_action(own, observed, np.full(observed.left.shape, log_multiplier))

    return bid


def spend_table(task: PacingTask, days: int, seed: int) -> Floats:
    """Return (ticks + 1, GRID) micros that a multiplier spends from a tick to the day's end, a mean of days.

    The days are the bidder's log of the past: prices and predicted values of all auctions, drawn from a
    stream of their own.
    """
    source = NumpyBackend(np.random.default_rng(seed))
    params = task.params
    hidden = task.start(task.draw_reset(source, days))[0]
    spend = np.zeros((task.horizon + 1, GRID.size))
    for tick, (market, batch) in enumerate(replay_market(task, hidden, source)):
        level = relative_price_level(market, params, task.tables.hidden)
        log_price = batch.price_noise + np.repeat(level, batch.counts)
        ratio = log_price - batch.log_value  # won by log multipliers above
        order = np.argsort(ratio)
        place = np.searchsorted(ratio[order], GRID)
        paid = log_price if params.auction == "second" else batch.log_value
        total = np.append(0.0, np.cumsum(np.exp(paid[order].astype(np.float64))))[place]
        spend[tick] = total if params.auction == "second" else total * np.exp(GRID)
    return np.asarray(np.cumsum(spend[::-1], 0)[::-1] * (MICROS / days))


def online_lp(task: Task, days: int = 24, seed: int = 77) -> Policy:
    """Solve the day's linear programme on logged days, anew every tick for the money and time left.

    Its dual price l of money is where the logged rest of the day costs what is left; bids are v / l.

    Source: S. Agrawal, Z. Wang and Y. Ye, "A dynamic near-optimal algorithm for online linear programming",
    Operations Research 62 (2014).
    """
    own = pacing_task(task)
    table = np.log(np.maximum(spend_table(own, days, seed), 1.0))

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        rows = table[np.minimum(observed.tick, own.horizon - 1)]
        above = rows <= np.log(np.maximum(observed.left, 1.0))[:, None]
        place = np.clip(above.sum(1) - 1, 0, GRID.size - 1)
        return multiplier_action(own, observed, GRID[place])

    return bid


class MarginalReturn:
    """Buy greedily whatever returns more conversions per money than one hurdle, in every tick alike.

    At second price the last auction won at log multiplier u returns quality x e^-u: the bid follows the
    quality that the last conversions suggest, over a hurdle from the landscape that moves with the money
    left.

    Args:
        task: the market.
        tension: gain on the log of money left over traffic left.
        decay: weight of the past tick after one more tick.
        prior: conversions at neutral quality that the estimate starts with.
    """

    def __init__(
        self, task: PacingTask, tension: float = 1.5, decay: float = 0.8, prior: float = 80.0
    ) -> None:
        self._task, self._choose = task, landscape_constant(task)
        self._tension, self._decay, self._prior = tension, decay, prior
        self._came, self._neutral = np.zeros(0), np.zeros(0)

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bid."""
        observed = unscale(self._task, observation)
        if self._came.size != observed.left.size:
            self._came, self._neutral = np.zeros((2, observed.left.size))
        self._came = np.where(observed.valid, self._decay * self._came + observed.conversions, 0.0)
        self._neutral = np.where(observed.valid, self._decay * self._neutral + observed.neutral, 0.0)
        quality = (self._came + self._prior) / (self._neutral + self._prior)
        target = self._choose(observed) + np.log(quality) + self._tension * observed.tension
        return multiplier_action(self._task, observed, target)


def marginal_return(task: Task, tension: float = 1.5, decay: float = 0.8, prior: float = 80.0) -> Policy:
    """Bid by the marginal return on money that the last conversions suggest."""
    return MarginalReturn(pacing_task(task), tension, decay, prior)
