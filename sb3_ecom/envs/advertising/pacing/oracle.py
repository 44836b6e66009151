"""The hindsight knapsack, a bound on every bidder, and a bidder that sees the hidden market."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight, scaled
from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing import shading
from sb3_ecom.envs.advertising.pacing.baselines import ModelPredictive
from sb3_ecom.envs.advertising.pacing.dynamics import day_swing, log_quality, relative_price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.planning import Observed
from sb3_ecom.envs.advertising.pacing.replay import replay_market
from sb3_ecom.envs.advertising.replay import rows_by_copy

_BATCH = 64  # days in memory at once


class _Day(NamedTuple):
    """Auctions of one day."""

    cost: Floats  # (m,) whole micros
    value: Floats  # (m,) expected conversions
    budget: float  # micros


def fractional_knapsack(cost: Floats, value: Floats, budget: float) -> float:
    """Return max sum x value subject to sum x cost <= budget and 0 <= x <= 1: buy by value per cost."""
    free = cost <= 0
    order = np.argsort(-value[~free] / cost[~free])
    paid = np.cumsum(cost[~free][order])
    gained = np.cumsum(value[~free][order])
    whole = int(np.searchsorted(paid, budget, side="right"))
    total = float(value[free].sum()) + (float(gained[whole - 1]) if whole else 0.0)
    if whole < paid.size:
        rest = budget - (paid[whole - 1] if whole else 0.0)
        total += float(value[~free][order][whole] * rest / cost[~free][order][whole])
    return total


def replay_days(task: PacingTask, n: int, seed: int) -> Iterator[_Day]:
    """Yield the days that `StepLoop(task, n)` plays after ``reset(seed)``."""
    source = NumpyBackend()
    source.seed(seed)
    params, tables = task.params, task.tables.hidden
    hidden = task.start(task.draw_reset(source.spawn(1), n))[0]
    owners, costs, values = [], [], []
    for market, batch in replay_market(task, hidden, source):
        owners.append(np.repeat(np.arange(n), batch.counts))
        level = relative_price_level(market, params, tables)
        price = np.exp(batch.price_noise + np.repeat(level, batch.counts))
        costs.append(np.floor(price.astype(np.float64) * MICROS))
        quality = np.exp(log_quality(market, params, tables)) * params.conversion_rate
        values.append(np.exp(batch.log_value) * np.repeat(quality, batch.counts))
    cost, value = np.concatenate(costs), np.concatenate(values)
    for row, part in enumerate(rows_by_copy(owners, n)):
        yield _Day(cost[part], value[part].astype(np.float64), float(hidden.budget[row]))


def hindsight(task: PacingTask, n: int, seed: int) -> Floats:
    """Return the (n,) bounds of the days of `StepLoop(task, n)` after ``reset(seed)``."""
    days = replay_days(task, n, seed)
    return np.array([fractional_knapsack(day.cost, day.value, day.budget) for day in days])


def oracle(task: PacingTask, episodes: int = 256, seed: int = 0) -> Oracle:
    """Return the mean bound: the hindsight knapsack, or for first price the shading optimum.

    In hindsight a first-price bidder would pay the highest rival bid, which nobody can; the shading optimum
    sees the hidden market of every tick, but no single price.

    Raises:
        ValueError: if the reward pays anything but conversions.
    """
    weight = only_weight(task, "conversions", "expected")
    first = task.params.auction == "first"
    seeds = np.random.SeedSequence(seed).generate_state(-(-episodes // _BATCH))
    bound = shading.bounds if first else hindsight
    bounds = np.concatenate([bound(task, _BATCH, int(s)) for s in seeds])[:episodes]
    found = Oracle.from_sample(
        bounds,
        kind="bound",
        information="price level, traffic and quality of every tick, no single price"
        if first
        else "every price, value and quality of the day",
    )
    return scaled(found, weight)


class OraclePolicy(ModelPredictive):
    """Plans like the model-predictive bidder, but sees the hidden market of the tick (not the future)."""

    def __init__(self, loop: StepLoop) -> None:
        task = loop.task
        if not isinstance(task, PacingTask):
            raise ValueError(f"the oracle policy needs EcomAds, got {type(task).__name__}")
        super().__init__(task, dayparting=True, feedback=True)
        self._loop = loop

    def update(self, observed: Observed) -> None:
        """Read the hidden state."""
        state = self._loop.state.hidden
        fixed = state.day[:, 1] + self._task.params.price_regime * state.regime[:, 0]
        self.levels.mean = np.stack([fixed, state.drift[:, 1] + state.drift[:, 2]], -1).astype(np.float64)
        self.volume.mean = np.stack([state.day[:, 0], state.drift[:, 0]], -1).astype(np.float64)
        self.good = (state.regime[:, 1] > 0).astype(np.float64)
        self._campaign = state.campaign.astype(np.float64)

    def swing(self, rows: NDArray[np.int64], ahead: slice) -> Floats:
        """Return (n, ticks) log quality of day and hour."""
        _, cosine, sine = self._campaign[rows, :, None].transpose(1, 0, 2)
        tables = self._task.tables.hidden
        wave, later = (part[:-1][ahead].astype(np.float64) for part in (tables.quality, tables.quality_later))
        return np.asarray(day_swing(wave, later, cosine, sine))
