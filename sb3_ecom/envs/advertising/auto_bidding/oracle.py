"""The best day in hindsight: greedy over hull slopes, then a scan of the soft score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.oracle_weights import only_weight, scaled
from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.auction import open_auctions, resolve
from sb3_ecom.envs.advertising.auto_bidding.dynamics import score
from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.replay import rows_by_copy

_BATCH = 32  # days in memory at once


class Day(NamedTuple):
    """Auctions of one day, with three slots each, dearest first."""

    cost: Floats  # (m, 3) money
    value: Floats  # (m, 3) conversions
    budget: float
    target: float


def hull_increments(cost: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Return (cost, value) of the upgrades along the upper concave hull of (0, 0) and three options.

    Args:
        cost: (m, 3), falling or equal along axis 1, >= 0.
        value: (m, 3), likewise.

    Returns:
        Two (m, 3) arrays: from nothing to the cheapest option kept, to the next, and so on; slopes fall and
        an upgrade that the hull skips costs and brings 0.
    """
    costs = np.diff(np.concatenate([np.zeros_like(cost[:, :1]), cost[:, ::-1]], 1))
    gains = np.diff(np.concatenate([np.zeros_like(cost[:, :1]), value[:, ::-1]], 1))
    # Pool neighbours whose slopes rise; the last pair are neighbours where the middle one was pooled.
    for left, right in ((1, 2), (0, 1), (0, 2)):
        rising = gains[:, right] * costs[:, left] > gains[:, left] * costs[:, right]
        for array in (costs, gains):
            array[:, left] += np.where(rising, array[:, right], 0.0)
            array[:, right] = np.where(rising, 0.0, array[:, right])
    return costs, gains


def best_score(day: Day) -> float:
    """Return an upper bound on V min(1, (target V / cost)^2) over all ways to buy, within one auction.

    For a given cost the most conversions lie on the greedy frontier, and the score rises with them; so the
    best score is on the frontier. Between two of its corners the bound takes the conversions of the right one
    at the cost of the left one.
    """
    cost, gain = (part.ravel() for part in hull_increments(day.cost, day.value))
    real = (cost > 0) | (gain > 0)
    cost, gain = cost[real], gain[real]
    order = np.argsort(-gain / np.maximum(cost, 1e-12), kind="stable")
    paid = np.concatenate([[0.0], np.cumsum(cost[order])])
    won = np.concatenate([[0.0], np.cumsum(gain[order])])
    whole = int(np.searchsorted(paid, day.budget, side="right")) - 1
    before, after = paid[: whole + 1], won[1 : whole + 2]
    if whole + 1 == paid.size:  # the budget buys everything
        before, after = before[:-1], after
    if not after.size:
        return 0.0
    if whole + 1 < paid.size:  # the last step is bought in part
        part = (day.budget - paid[whole]) / (paid[whole + 1] - paid[whole])
        after = after.copy()
        after[-1] = won[whole] + part * (won[whole + 1] - won[whole])
    return float(score(after, before, np.asarray(day.target)).max())


def _replay_days(task: AutoTask, n: int, seed: int, *, luck: bool) -> Iterator[Day]:
    """Yield the days that `StepLoop(task, n)` plays after ``reset(seed)``.

    Args:
        task: the market.
        n: days.
        seed: of the loop.
        luck: know who looked at which slot; else slots cost and bring their expectation.
    """
    source = NumpyBackend()
    source.seed(seed)
    params, tables = task.params, task.tables.hidden
    hidden = task.start(task.draw_reset(source.spawn(1), n))[0]
    owners, costs, values = [], [], []
    exposure = np.asarray(params.exposure)
    for tick in range(task.horizon):
        market = hidden._replace(tick=hidden.tick + tick)  # what is for sale does not depend on bids
        batch = open_auctions(market, task.draw_step(source, n), params, tables)
        owner = np.repeat(np.arange(n), batch.counts)
        owners.append(owner)
        resolved = resolve(market, batch, np.arange(owner.size), owner, params, tables)
        exposed = (resolved.look[:, None] < exposure) * 1.0 if luck else np.ones((owner.size, 1)) * exposure
        costs.append(np.floor(resolved.price.T.astype(np.float64) * MICROS) / MICROS * exposed)
        values.append(resolved.true[:, None].astype(np.float64) * exposed)
    cost, value = np.concatenate(costs), np.concatenate(values)
    for row, part in enumerate(rows_by_copy(owners, n)):
        yield Day(cost[part], value[part], float(hidden.budget[row]) / MICROS, float(hidden.target[row]))


def hindsight(task: AutoTask, n: int, seed: int, *, luck: bool = True) -> Floats:
    """Return the (n,) bounds of the days of `StepLoop(task, n)` after ``reset(seed)``."""
    return np.array([best_score(day) for day in _replay_days(task, n, seed, luck=luck)])


def oracle(task: AutoTask, episodes: int = 64, seed: int = 0) -> Oracle:
    """Return the mean hindsight bound on the score.

    Raises:
        ValueError: if the reward pays anything but "score".
    """
    weight = only_weight(task, "score")
    seeds = np.random.SeedSequence(seed).generate_state(-(-episodes // _BATCH))
    bounds = np.concatenate([hindsight(task, _BATCH, int(s)) for s in seeds])[:episodes]
    found = Oracle.from_sample(
        bounds,
        kind="bound",
        information="every price and true rate of the day, and who looked at which slot",
    )
    return scaled(found, weight)
