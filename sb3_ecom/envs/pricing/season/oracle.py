"""Programmes of a season whose demand is known: exact for one product, the fluid bound for several."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, Floats, NumpyBackend
from sb3_ecom.core.oracle_weights import scaled
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.fluid import Seasons, upper_bounds
from sb3_ecom.envs.pricing.season.known_demand import solve_known
from sb3_ecom.envs.pricing.season.rules import Resolving

_FEW_SEASONS = 64  # whose exact programmes are solved


def oracle(task: SeasonTask, episodes: int = 512, seed: int = 0) -> Oracle:
    """Return the bound of a shop that knows the season's demand from start to end.

    One product without waiting: the exact dynamic programme, season by season, which is the optimum where
    demand is the same in every season. Several: the fluid bound.

    Raises:
        ValueError: if money is not all that is paid.
    """
    return scaled(_oracle(task, episodes, seed), _weight_of_money(task))


def _weight_of_money(task: SeasonTask) -> float:
    """Return the weight at which revenue and salvage are paid.

    Raises:
        ValueError: if they are paid at different weights, or unmet demand is paid for.
    """
    weights = dict(task.reward_weights)
    money = weights.get("revenue", 0.0)
    alike = not task.params.salvage or weights.get("salvage", 0.0) == money
    if weights.get("unmet") or not alike or not money > 0:
        raise ValueError(
            "reward_weights must pay revenue and salvage alike, > 0, and not unmet, for an oracle; "
            f"got {weights}"
        )
    return money


def _oracle(task: SeasonTask, episodes: int, seed: int) -> Oracle:
    params = task.params
    certain = not (params.level_sd or params.level_drift or params.sensitivity_sd or params.sensitivity_drift)
    exact = params.products == 1 and not params.waiting
    count = 2 if certain else min(episodes, _FEW_SEASONS) if exact else episodes
    seasons = draw_seasons(task, count, seed)
    if not exact:
        values = upper_bounds(seasons, params)
        return Oracle.from_sample(
            values,
            kind="bound",
            information="the season's demand level and sensitivity, start to end",
            policy=known_demand,
        )
    solved = [
        solve_known(visitors, slope, params)
        for visitors, slope in zip(seasons.visitors, seasons.sensitivity, strict=True)
    ]
    values = np.array([each.value for each in solved])
    return Oracle.from_sample(
        values,
        kind="optimal" if certain else "bound",
        information="the demand of every period",
        policy=known_demand,
    )


def draw_seasons(task: SeasonTask, n: int, seed: int = 0) -> Seasons:
    """Return the demand of n seasons drawn from the task's law, with its drift."""
    params, public = task.params, task.tables.public
    source = NumpyBackend(np.random.default_rng(seed))
    hidden, _ = task.start(task.draw_reset(source, n))
    levels, slopes = [], []
    still = np.ones((n, params.products), dtype=np.float32)
    for _ in range(params.periods):
        levels.append(hidden.logs[:, 0])
        slopes.append(hidden.logs[:, 1])
        hidden, _ = task.simulate(hidden, still, task.draw_step(source, n))
    visitors = params.visitors * np.exp(np.stack(levels, 1, dtype=np.float64))
    sensitivity = params.sensitivity * np.exp(np.stack(slopes, 1, dtype=np.float64))
    stock: Floats = np.repeat(np.asarray(public.stock, dtype=np.float64)[None], n, axis=0)
    return Seasons(visitors, sensitivity, stock)


def known_demand(loop: Any) -> Policy:
    """Return the policy that sees level and sensitivity in every period and re-solves the fluid programme."""
    task: SeasonTask = loop.task
    rule = Resolving(task.params)

    def policy(observation: Array) -> Array:
        hidden = loop.state.hidden
        found = rule.solve(task.view(observation), hidden.logs[:, 0], hidden.logs[:, 1])
        return task.to_action(found.factor[:, 0].astype(np.float32))

    return policy
