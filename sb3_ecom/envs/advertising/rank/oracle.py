"""The best known policy (it sees the hidden market), Myerson's auction, and the grid of constants."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight, scaled
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.advertising.rank import planning
from sb3_ecom.envs.advertising.rank.dynamics import MAX_LOG_RESERVE, Ranking, open_pages
from sb3_ecom.envs.advertising.rank.env import RankTask
from sb3_ecom.envs.advertising.rank.virtual_value import virtual_value


def oracle_policy(loop: StepLoop) -> Policy:
    """Follow the plan at the true level, touchiness and experience."""
    task = loop.task
    if not isinstance(task, RankTask):
        raise ValueError(f"the oracle policy needs EcomAdsRank, got {type(task).__name__}")
    plan = planning.solve(task.params)

    def choose(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        day, market = loop.state.tracked.day, loop.state.hidden
        experience = market.experience * (task.params.pricing == "gsp")
        touchy = (market.touchy > 0).astype(np.float64)
        return planning.decide(plan, day, market.active, market.present, experience, market.level, touchy)

    return choose


def myerson_revenue(task: RankTask, n: int, seed: int) -> Floats:
    """Return the (n,) revenue of Myerson's auction in the episodes of `StepLoop(task, n)`.

    Ads are ordered by pCTR x virtual value, those below 0 are left out, and the expected payment is the
    virtual value: no auction in which advertisers bid their best earns more on a page, in expectation,
    given predicted click rates. It holds where nobody responds (preset "static").
    """
    source = NumpyBackend()
    source.seed(seed)
    params = task.params
    market = task.start(task.draw_reset(source.spawn(1), n))[0]
    lowest = Ranking(np.full(n, -MAX_LOG_RESERVE, np.float32), np.full(n, 0.75, np.float32))
    total = np.zeros(n)
    for _ in range(task.horizon):
        noise = task.draw_step(source, n)
        pages = open_pages(market, noise, params)
        # Knowing an ad's predicted clicks, its value is lognormal about a level that follows them.
        rho = params.value_correlation
        centre = market.level[:, None, None] + rho * params.value_sd * noise.ads[0]
        sd = params.value_sd * np.sqrt(1 - rho * rho)
        virtual = virtual_value(pages.log_value.astype(np.float64), centre.astype(np.float64), sd)
        rate = np.exp(np.minimum(pages.log_rate, 0.0))
        ranked = -np.sort(-np.where(pages.present, rate * np.maximum(virtual, 0.0), 0.0), axis=-1)
        sold = ranked[..., : params.slots] @ np.asarray(params.exposure)
        total += (sold * pages.visited).sum(1)
        market, _ = task.simulate(market, lowest, noise)
    return total


def grid_of_constants(
    task: RankTask, n: int, seed: int, reserves: Floats, exponents: Floats
) -> NDArray[np.float64]:
    """Return mean expected revenue of every constant log reserve and exponent, on the same episodes."""
    found = np.empty((len(reserves), len(exponents)))
    for i, reserve in enumerate(reserves):
        for j, exponent in enumerate(exponents):
            action = planning.ranking_action(np.asarray(reserve), np.asarray(exponent))
            played = run_episodes(StepLoop(task, n), partial(_repeat, action), seed)
            found[i, j] = played["expected"].mean()
    return found


def _repeat(action: NDArray[np.float32], observation: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.tile(action, (len(observation), 1))


def oracle(task: RankTask, episodes: int = 512, seed: int = 0) -> Oracle:
    """Return the revenue of a platform that sees the market; for the static market Myerson's bound.

    Raises:
        ValueError: if the reward pays anything but revenue.
    """
    weight = only_weight(task, "revenue", "expected")
    if task.preset == "static":
        value, kind, information = myerson_revenue(task, episodes, seed), "bound", "laws of values, no bids"
    else:
        loop = StepLoop(task, episodes)
        value = run_episodes(loop, oracle_policy(loop), seed)["expected"]
        kind, information = "best-known", "value level, touchiness and advertisers' experience"
    found = Oracle.from_sample(
        value,
        kind=kind,  # type: ignore[arg-type]
        information=information,
        policy=None if task.preset == "static" else oracle_policy,
    )
    return scaled(found, weight)
