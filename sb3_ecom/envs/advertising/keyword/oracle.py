"""The Lagrangian bound of a day's budgeted bids at the true rates, summed over days."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import scaled
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.keyword.baselines import bid_action
from sb3_ecom.envs.advertising.keyword.dynamics import HiddenState, current_rates, search_shares
from sb3_ecom.envs.advertising.keyword.env import KeywordTask
from sb3_ecom.envs.advertising.keyword.landscape import GRID, best_on_grid, win_rate


def _solve_day(task: KeywordTask, state: HiddenState) -> tuple[Floats, Floats]:
    """Return (bids (n, K), dual bound on the day's expected profit (n,)) at the true rates.

    No policy's day earns more in expectation: a search brings at most the surplus that the dual counts, and
    each unit of the budget mu on top.
    """
    wins = win_rate(np, GRID, state.slope[:, :, None], state.threshold[:, :, None]).astype(np.float64)
    click, conversion = (np.asarray(rate, dtype=np.float64) for rate in current_rates(state))
    money = state.budget / MICROS
    part, volume = search_shares(state), task.params.volume
    searches = volume if part is None else volume * task.params.keywords * np.asarray(part, dtype=np.float64)
    bids, _, bound, _ = best_on_grid(wins, conversion * state.revenue, click, money, searches)
    return bids, bound


def bounds(task: KeywordTask, n: int, seed: int) -> Floats:
    """Return the (n,) bounds of the campaigns of `StepLoop(task, n)` after ``reset(seed)``."""
    source = NumpyBackend()
    source.seed(seed)
    hidden = task.start(task.draw_reset(source.spawn(1), n))[0]
    no_bids = np.zeros((n, task.params.keywords), dtype=np.float32)
    total = np.zeros(n)
    for _ in range(task.horizon):
        total = total + _solve_day(task, hidden)[1]
        hidden, _ = task.simulate(hidden, no_bids, task.draw_step(source, n))
    return total


def oracle(task: KeywordTask, episodes: int = 128, seed: int = 0) -> Oracle:
    """Return the mean bound over campaigns.

    Raises:
        ValueError: if the reward pays anything but revenue less cost, both at the same weight.
    """
    weights = {term: weight for term, weight in task.reward_weights.items() if weight}
    weight = weights.get("revenue", 0.0)
    if not weight > 0 or weights != {"revenue": weight, "cost": weight}:
        raise ValueError(
            "reward_weights must pay revenue and cost alone, with the same weight > 0, for an oracle; "
            f"got {dict(task.reward_weights)}"
        )
    found = Oracle.from_sample(
        bounds(task, episodes, seed),
        kind="bound",
        information="every keyword's win curve, click and conversion rate, every day",
        policy=oracle_policy,
    )
    return scaled(found, weight)


def oracle_policy(loop: StepLoop) -> Policy:
    """Bid what the dual says at the true rates (hidden from a bidder)."""
    task = loop.task
    if not isinstance(task, KeywordTask):
        raise ValueError(f"the oracle policy needs EcomAdsKeyword, got {type(task).__name__}")
    return lambda observation: bid_action(_solve_day(task, loop.state.hidden)[0])
