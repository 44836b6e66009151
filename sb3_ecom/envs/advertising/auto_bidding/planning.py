"""Tools of a planning bidder: observations in natural units, and the expected rest of the day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.auto_bidding.market import (
    VALUE_BLOCK,
    build_landscape,
    build_tables,
    price_scale,
)
from sb3_ecom.envs.advertising.auto_bidding.tracker import LAYOUT

GRID = np.linspace(-MAX_LOG_MULTIPLIER, MAX_LOG_MULTIPLIER, 61)  # log multipliers that planners choose from


class Observed(NamedTuple):
    """An observation in natural units, (n,) each; after `valid` all is about the last tick."""

    tick: NDArray[np.int64]
    traffic_left: Floats
    left: Floats  # money
    budget: Floats  # money
    target: Floats  # money per conversion
    log_multiplier: Floats  # of the first slot
    predicted_cpa: Floats  # log over target
    counted_cpa: Floats  # log over target
    valid: NDArray[np.bool_]
    level: Floats  # mean predicted value of a bundle
    spend: Floats  # over an even tick's spend
    predicted: Floats  # conversions


def unscale(task: AutoTask, observation: NDArray[np.float32]) -> Observed:
    """Undo the scaling of `AutoTracker.observe`."""
    context, history = LAYOUT.split(observation.astype(np.float64))
    last, p = history[:, -1], task.params
    budget = np.exp(context[:, 5]) * (p.budget_low + p.budget_high) / 2
    target = np.exp(context[:, 6]) * (p.target_low + p.target_high) / 2
    return Observed(
        np.rint((1.0 - context[:, 2]) * task.horizon).astype(np.int64),
        context[:, 3],
        context[:, 4] * budget,
        budget,
        target,
        context[:, 7] * MAX_LOG_MULTIPLIER,
        context[:, 10],
        context[:, 11],
        last[:, 0] > 0.5,
        np.exp(last[:, 5]) * p.rate,
        np.expm1(last[:, 7] * 2.0),
        np.expm1(last[:, 8] * 2.0) * budget / (target * p.ticks),
    )


def multiplier_action(task: AutoTask, observed: Observed, target: Floats) -> NDArray[np.float32]:
    """Return the action that sets every log multiplier to `target`, or moves there as fast as it may."""
    action = np.asarray(task.tracker.bid_multiplier.action_to(observed.log_multiplier, target))
    slots = 1 if task.bids == "one" else SLOTS
    return np.tile(action[:, None], (1, slots))


def bought_so_far(observed: Observed) -> tuple[Floats, Floats]:
    """Return (money spent, predicted conversions) of the day."""
    spent = observed.budget - observed.left
    return spent, np.maximum((spent / observed.target + 0.5) / np.exp(observed.predicted_cpa) - 0.5, 0.0)


class Planner:
    """Expected spend and conversions of the rest of the day for every multiplier of `GRID`.

    Predicted values keep the last tick's mean until their block of ticks ends; the mean of a later block is
    the advertiser's own, estimated from the blocks observed, times 1 +- U(block_spread).
    """

    def __init__(self, task: AutoTask) -> None:
        self._task, self._landscape = task, build_landscape(task.params)
        self._scale = price_scale(task.params)
        self._left = build_tables(task.params).traffic_left.astype(np.float64)
        self._sum = np.zeros(0)  # of the levels of the blocks observed, over the mean rate
        self._blocks = np.zeros(0)

    def rest(self, observed: Observed) -> tuple[Floats, Floats]:
        """Return (n, k) money and conversions."""
        params = self._task.params
        own = self._learn(observed)
        ticks = self._task.horizon
        ends = np.minimum((observed.tick + VALUE_BLOCK - 1) // VALUE_BLOCK * VALUE_BLOCK, ticks)
        later = np.where(observed.valid, self._left[ends], observed.traffic_left)
        cost, won = self._expect(observed, observed.level, observed.traffic_left - later)
        factors = 1.0 + params.block_spread * (np.arange(7) * 2 - 6) / 7
        for factor in factors:
            parts = self._expect(observed, own * params.rate * factor, later / factors.size)
            cost, won = cost + parts[0], won + parts[1]
        return cost, won

    def _expect(self, observed: Observed, level: Floats, share: Floats) -> tuple[Floats, Floats]:
        shape, auctions = self._landscape, (share * self._task.params.auctions)[:, None]
        gap = np.log(level * observed.target / self._scale)[:, None] + GRID
        cost = np.interp(gap, shape.gap, shape.cost) * self._scale * auctions
        return cost, np.interp(gap, shape.gap, shape.value) * level[:, None] * auctions

    def _learn(self, observed: Observed) -> Floats:
        """Return the advertiser's own factor: the mean of the blocks observed, drawn to 1."""
        params = self._task.params
        if self._sum.size != observed.tick.size:
            self._sum, self._blocks = np.zeros(observed.tick.size), np.zeros(observed.tick.size)
        self._sum[~observed.valid], self._blocks[~observed.valid] = 0.0, 0.0
        opened = observed.valid & ((observed.tick - 1) % VALUE_BLOCK == 0)
        self._sum += np.where(opened, observed.level / params.rate, 0.0)
        self._blocks += opened
        known = np.maximum(self._blocks, 1.0)
        own, block = params.own_spread**2 / 3, params.block_spread**2 / 3
        weight = own / np.maximum(own + block / known, 1e-9) * (self._blocks > 0)
        return np.maximum(1.0 + weight * (self._sum / known - 1.0), 0.05)
