"""Textbook bidders for EcomAdsAuto, from observations and the market's history (its landscape) only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.registry import Policy
from sb3_ecom.core.task import Task
from sb3_ecom.envs.advertising.auto_bidding.dynamics import score
from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.auto_bidding.market import build_tables
from sb3_ecom.envs.advertising.auto_bidding.planning import (
    GRID,
    Planner,
    bought_so_far,
    multiplier_action,
    unscale,
)


def _auto(task: Task) -> AutoTask:
    if not isinstance(task, AutoTask):
        raise ValueError(f"a bidder of EcomAdsAuto needs its task, got {type(task).__name__}")
    return task


def constant(task: Task, log_multiplier: float = 0.1) -> Policy:
    """Bid the best constant multiple of target x predicted value."""
    own = _auto(task)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        return multiplier_action(own, observed, np.full(observed.left.shape, log_multiplier))

    return bid


def fixed_cpa(task: Task) -> Policy:
    """Bid target x predicted value, as AuctionNet's rivals do."""
    return constant(task, 0.0)


def pid(task: Task, pace: float = 0.15, cost: float = 0.3) -> Policy:
    """Raise the bid while the budget outlasts the traffic, lower it while conversions cost too much."""
    own = _auto(task)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        tension = np.log(
            np.maximum(observed.left / observed.budget, 1e-3) / np.maximum(observed.traffic_left, 1e-3)
        )
        change = pace * np.clip(tension, -2, 2) - cost * np.maximum(observed.predicted_cpa, 0.0)
        change += cost * np.maximum(-observed.predicted_cpa, 0.0) * (tension > 0)
        return multiplier_action(
            own, observed, np.where(observed.tick < 1, 0.1, observed.log_multiplier + change)
        )

    return bid


class _ReturnOnSpend:
    """Dual updates for a budget and a return: bid (1 + lam) v / (mu + lam), v = target x predicted value.

    Source: Z. Feng, S. Padmanabhan and D. Wang, "Online bidding algorithms for return-on-spend constrained
    advertisers", WWW 2023: lam <- lam exp(-a (v - p)); mu <- clip(mu - eps (rho - spend)).
    """

    def __init__(self, task: AutoTask, return_rate: float = 0.3, budget_rate: float = 0.3) -> None:
        self._task, self._rates = task, (return_rate, budget_rate)
        self._lam, self._mu = np.zeros(0), np.zeros(0)

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bid."""
        observed = unscale(self._task, observation)
        if self._lam.size != observed.left.size:
            self._lam, self._mu = np.ones(observed.left.size), np.zeros(observed.left.size)
        self._lam[~observed.valid], self._mu[~observed.valid] = 1.0, 0.5
        tables = build_tables(self._task.params)
        share = tables.traffic[np.maximum(observed.tick - 1, 0)] * self._task.horizon
        surplus = observed.predicted * observed.target * self._task.horizon / observed.budget - observed.spend
        moved = self._lam * np.exp(-self._rates[0] * np.clip(surplus, -2, 2))
        self._lam = np.where(observed.valid, np.clip(moved, 1e-2, 1e2), self._lam)
        gap = np.clip(share - observed.spend, -2, 2)
        self._mu = np.where(observed.valid, np.clip(self._mu - self._rates[1] * gap, 0.0, 20.0), self._mu)
        return multiplier_action(self._task, observed, np.log((1 + self._lam) / (self._mu + self._lam)))


def online_lp(task: Task) -> Policy:
    """Bid the dual price of the budget on the expected rest of the day, at most what the target allows.

    The linear programme max value subject to cost <= budget and cost <= target x value, each tick anew; the
    largest multiplier that meets both is its solution.
    """
    own = _auto(task)
    planner = Planner(own)

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        cost, won = planner.rest(observed)
        spent, bought = bought_so_far(observed)
        fits = (cost <= observed.left[:, None]) & (
            cost + spent[:, None] <= observed.target[:, None] * (won + bought[:, None])
        )
        best = np.where(fits.any(1), fits.shape[1] - 1 - fits[:, ::-1].argmax(1), 0)
        return multiplier_action(own, observed, GRID[best])

    return bid


def soft_score(task: Task, feedback: bool = False) -> Policy:
    """Scan the day's expected final score over multipliers, each tick anew.

    Args:
        task: the market.
        feedback: trust counted conversions in part, where predictions may be off by a hidden factor.
    """
    own = _auto(task)
    planner, bias_sd = Planner(own), own.params.bias_sd

    def bid(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        observed = unscale(own, observation)
        cost, won = planner.rest(observed)
        spent, bought = bought_so_far(observed)
        if feedback and bias_sd > 0:
            # Gamma-Poisson: the hidden factor has prior variance bias_sd^2, the count its own mean.
            counted = (spent / observed.target + 0.5) / np.exp(observed.counted_cpa) - 0.5
            shape = 1 / bias_sd**2
            factor = (shape + np.maximum(counted, 0.0)) / (shape + bought)
            won, bought = won * factor[:, None], bought * factor
        # A multiplier that runs out of money buys the same mix for a part of the day.
        part = np.minimum(1.0, observed.left[:, None] / np.maximum(cost, 1e-9))
        total, value = spent[:, None] + part * cost, bought[:, None] + part * won
        best = score(value, total, observed.target[:, None]).argmax(1)
        return multiplier_action(own, observed, GRID[best])

    return bid


def soft_score_feedback(task: Task) -> Policy:
    """Scan the score with predictions corrected by the conversions that came."""
    return soft_score(task, feedback=True)


def return_on_spend(task: Task, return_rate: float = 0.3, budget_rate: float = 0.3) -> Policy:
    """Follow Feng, Padmanabhan and Wang's dual updates."""
    return _ReturnOnSpend(_auto(task), return_rate, budget_rate)
