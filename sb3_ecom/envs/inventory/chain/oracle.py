"""Hindsight bound of the serial chain: a linear program that knows every demand beforehand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.inventory.chain.env import ChainTask
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.chain.rewards import money, profit
from sb3_ecom.envs.inventory.chain.tracker import public_tables
from sb3_ecom.envs.inventory.markov import Units, Values

_PATHS = 300  # demand paths of the bound


def oracle(task: ChainTask) -> Oracle:
    """Return an upper bound: the mean over demand paths of the best profit for each path known beforehand."""
    profits = hindsight_profits(task.weighted_params(), _PATHS)
    return Oracle.from_sample(
        profits,
        kind="bound",
        information=f"all demands of the episode beforehand, orders in fractions; mean of {_PATHS} paths",
    )


@lru_cache(maxsize=16)
def hindsight_profits(params: ChainParams, paths: int, seed: int = 2020) -> Values:
    """Return the best discounted profit of each of `paths` demand paths."""
    pmf = params.pmf()
    program = _Program(params)
    source = np.random.default_rng(seed)
    return np.array([program.solve(source.choice(len(pmf), params.periods, p=pmf)) for _ in range(paths)])


class _Program:
    """Variables: units sold to customers, then units bought by each stage, period by period.

    Orders equal what can be sent, so between stages nobody waits.
    """

    def __init__(self, params: ChainParams) -> None:
        self._params = params
        periods, stages = params.periods, params.stages
        self._sum = np.tril(np.ones((periods, periods)))  # running totals
        weight = params.discount ** np.arange(periods)
        eye, none = np.eye(periods), np.zeros((periods, periods))
        self._sales = np.hstack([eye] + [none] * stages)
        self._bought = [
            np.hstack([eye if k == j + 1 else none for k in range(stages + 1)]) for j in range(stages)
        ]
        # Stock at the end of each period: what stood there, arrived, and left.
        self._ends = []
        for j, lead_time in enumerate(params.lead_times):
            arrived = np.eye(periods, k=-lead_time) @ self._bought[j]
            left = self._sales if j == 0 else self._bought[j - 1]
            self._ends.append(self._sum @ (arrived - left))
        self._served = self._sum @ self._sales if params.unmet == "backlog" else self._sales
        self._weight, self._prices = weight, public_tables(params, np.float64)
        no_wait = np.zeros((*self._served.shape, stages))
        earned = money(  # by period and variable
            sold=np.stack([self._sales, *self._bought], axis=-1),
            bought=np.stack([*self._bought, self._bought[-1]], axis=-1),
            unserved=np.concatenate([-self._served[..., None], no_wait], axis=-1),
            held=np.stack(self._ends, axis=-1),
            prices=self._prices,
        )
        self._gain = weight @ profit(earned)

    def solve(self, demand: Units) -> float:
        """Return the best profit of one path.

        Raises:
            RuntimeError: if HiGHS finds no optimum.
        """
        from scipy.optimize import linprog

        params = self._params
        asked = np.cumsum(demand) if params.unmet == "backlog" else demand
        rows, limits = [self._served, -self._ends[0]], [asked, np.full(params.periods, params.start_stock[0])]
        for j in range(params.stages - 1):
            before = np.eye(params.periods, k=-1) @ self._ends[j + 1]
            rows.append(self._bought[j] - before)
            limits.append(np.full(params.periods, params.start_stock[j + 1]))
        most: list[float | None] = [None] * params.periods
        for capacity in params.capacities:
            most += [capacity] * params.periods
        found = linprog(
            -self._gain,
            A_ub=np.vstack(rows),
            b_ub=np.concatenate(limits),
            bounds=[(0, high) for high in most],
            method="highs",
        )
        if found.status != 0:
            raise RuntimeError(f"HiGHS found no hindsight optimum: {found.message}")
        return float(-found.fun + self._weight @ self._idle_profit(asked))

    def _idle_profit(self, asked: Units) -> Values:
        """Return the money of each period in which nothing moves: the opening stock is held, all wait."""
        periods, stages = self._params.periods, self._params.stages
        none = np.zeros((periods, stages + 1))
        unserved, held = none.copy(), np.tile(np.array(self._params.start_stock, np.float64), (periods, 1))
        unserved[:, 0] = asked
        return np.asarray(profit(money(none, none, unserved, held, self._prices)))
