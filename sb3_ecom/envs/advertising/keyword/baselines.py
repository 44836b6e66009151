"""Textbook search bidders, from observations only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.keyword.env import KeywordTask
from sb3_ecom.envs.advertising.keyword.landscape import GRID, TOP_BID, best_on_grid, build_tables, win_rate
from sb3_ecom.envs.advertising.keyword.tracker import CONTEXT, FEATURES


class Observed(NamedTuple):
    """An observation in natural units."""

    budget: Floats  # (n,) money per day
    spent: Floats  # (n,) share of the budget spent yesterday
    met: Floats  # (n,) share of yesterday's searches that came before the budget was gone
    revenue: Floats  # (n, K) money per conversion
    impressions: Floats  # (n, K) so far
    clicks: Floats  # (n, K) so far
    conversion: Floats  # (n, K) conversions per click so far, drawn to the prior
    valid: NDArray[np.bool_]  # (n,) whether there was a yesterday
    bid: Floats  # (n, K) yesterday
    win_rate: Floats  # (n, K) yesterday


def _unscale(task: KeywordTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `KeywordTracker.observe`."""
    context, history = task.layout.split(observation.astype(np.float64))
    k, last = task.params.keywords, history[:, -1]
    per_keyword = context[:, CONTEXT:].reshape(-1, 4, k)
    days = last[:, 1:].reshape(-1, FEATURES, k)
    return Observed(
        np.exp(context[:, 1]) * task.typical * k,
        context[:, 2],
        context[:, 4],
        per_keyword[:, 0] / task.params.conversion_scale,
        np.expm1(per_keyword[:, 1] * 5.0),
        np.expm1(per_keyword[:, 2] * 5.0),
        per_keyword[:, 3] * task.params.conversion_scale,
        last[:, 0] > 0.5,
        days[:, 0] ** 2,
        days[:, 1],
    )


def bid_action(bid: Floats) -> NDArray[np.float32]:
    """Return the actions that set (n, K) bids: the inverse of `dynamics.bids_from`."""
    root = np.sqrt(np.clip(bid, 0.0, TOP_BID) / TOP_BID)
    return np.asarray(2.0 * root - 1.0, dtype=np.float32)


def _keyword(task: Task) -> KeywordTask:
    if not isinstance(task, KeywordTask):
        raise ValueError(f"a bidder of EcomAdsKeyword needs its task, got {type(task).__name__}")
    return task


def fixed_cpa(task: Task, share: float = 0.3) -> Policy:
    """Bid a share of the value of a click at the mean conversion rate."""
    own = _keyword(task)
    rate = share * 5 / 7 * own.params.conversion_scale

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        return bid_action(rate * _unscale(own, observation).revenue)

    return bid


def truthful(task: Task, share: float = 0.6) -> Policy:
    """Bid a share of the value of a click at the conversion rate seen so far."""
    own = _keyword(task)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = _unscale(own, observation)
        return bid_action(share * observed.revenue * observed.conversion)

    return bid


class _DualPacing:
    """Bid value / (1 + mu) and let mu follow the budget: log(1 + mu) rises while it runs out."""

    def __init__(self, task: KeywordTask, rate: float = 0.4, share: float = 0.7) -> None:
        self._task, self._rate, self._share = task, rate, share
        self._log_mu = np.zeros(0)

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bid for a day."""
        observed = _unscale(self._task, observation)
        if self._log_mu.size != observed.valid.size:
            self._log_mu = np.zeros(observed.valid.size)
        self._log_mu[~observed.valid] = 0.0
        step = self._rate * (np.where(observed.spent > 0.98, 1.5, observed.spent) - 0.98)
        self._log_mu = np.clip(self._log_mu + np.where(observed.valid, step, 0.0), 0.0, 4.0)
        return bid_action(
            self._share * observed.revenue * observed.conversion * np.exp(-self._log_mu)[:, None]
        )


class _LearntLandscape:
    """The dual on the landscape learnt so far.

    A grid posterior of each keyword's win curve takes in every day's bid and impression share; click and
    conversion rates are posterior means. Each day's bids solve the budgeted problem on these. A little
    noise on the bids explores, dying out with the days.
    """

    num_offsets, num_features = 1, 2
    _bid: Floats

    def __init__(self, task: KeywordTask, explore: float = 0.05, seed: int = 0) -> None:
        self._task, self._explore = task, explore
        tables = build_tables(task.params)
        slopes = tables.slope[np.linspace(200, 3895, 7).astype(int)].astype(np.float64)
        thresholds = (np.arange(24) + 0.5) * 1.5 / 24
        mesh = np.meshgrid(slopes, thresholds, indexing="ij")
        self._slope, self._threshold = (part.ravel() for part in mesh)
        self._wins = win_rate(np, GRID, self._slope[:, None], self._threshold[:, None])
        self._log_post = np.zeros((0, 0, 0))
        self._days = np.zeros(0)
        self._generator = np.random.default_rng(seed)

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bid for a day."""
        self.features(observation)
        return self.act(np.zeros((len(observation), self.num_offsets)))

    def features(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Learn from yesterday and plan.

        Return (n, 2) features: mean root of the bids, mean bid over value.
        """
        observed = _unscale(self._task, observation)
        self._learn(observed)
        post = np.exp(self._log_post - self._log_post.max(2, keepdims=True))
        post /= post.sum(2, keepdims=True)
        click = (2 + observed.clicks) / (7 + observed.impressions)
        value = observed.revenue * observed.conversion
        volume = self._task.params.volume
        bid = best_on_grid(post @ self._wins, value, click, observed.budget, volume)[0]
        size = self._explore / (1 + self._days[:, None])
        noise = np.exp(size * self._generator.standard_normal(bid.shape))
        self._bid = bid * noise + 0.2 * size * value
        features = (np.sqrt(bid).mean(1), (bid / np.maximum(value, 1e-3)).mean(1))
        return np.asarray(np.clip(np.stack(features, -1), 0.0, 5.0), dtype=np.float32)

    def act(self, shift: Floats) -> NDArray[np.float32]:
        """Return the actions of the plan, the logs of all bids shifted by (n, 1)."""
        return bid_action(self._bid * np.exp(shift))

    def _learn(self, observed: Observed) -> None:
        n, k = observed.bid.shape
        if self._log_post.shape[0] != n:
            self._log_post, self._days = np.zeros((n, k, self._slope.size)), np.zeros(n)
        self._log_post[~observed.valid] = 0.0
        self._days = np.where(observed.valid, self._days + 1, 0)
        rows = np.flatnonzero(observed.valid)
        chance = np.clip(
            win_rate(np, observed.bid[rows, :, None], self._slope, self._threshold), 0.005, 0.995
        )
        volume = self._task.params.volume
        won = observed.win_rate[rows, :, None] * volume
        # Impressions are Poisson: searches come at random, and only until the budget is gone.
        self._log_post[rows] += won * np.log(chance) - volume * observed.met[rows, None, None] * chance


def dual_pacing(task: Task, rate: float = 0.4, share: float = 0.7) -> Policy:
    """Pace value bids by one dual price."""
    return _DualPacing(_keyword(task), rate, share)


def learnt_landscape(task: Task, explore: float = 0.05) -> Policy:
    """Learn the landscape and solve the budgeted problem on it."""
    return _LearntLandscape(_keyword(task), explore)
