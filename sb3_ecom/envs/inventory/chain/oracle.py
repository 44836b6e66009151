"""Hindsight bound of the serial chain: a linear program that knows every demand beforehand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.inventory.chain.env import ChainTask
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.markov import Units, Values

_PATHS = 300  # demand paths of the bound


def oracle(task: ChainTask) -> Oracle:
    """Return an upper bound: the mean over demand paths of the best profit for each path known beforehand."""
    profits = hindsight_profits(task.params, _PATHS)
    return Oracle(
        kind="bound",
        value=float(profits.mean()),
        stderr=float(profits.std(ddof=1) / np.sqrt(_PATHS)),
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
        gain = params.prices[0] * self._sales
        for j in range(stages):
            gain = gain + (params.prices[j + 1] - params.replenishment_costs[j]) * self._bought[j]
            gain = gain - params.holding_costs[j] * self._ends[j]
        gain = gain - params.replenishment_costs[-1] * self._bought[-1]
        self._served = self._sum @ self._sales if params.unmet == "backlog" else self._sales
        self._weight = weight
        self._gain = weight @ (gain + params.backlog_costs[0] * self._served)

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
        held = float(np.dot(params.holding_costs, params.start_stock)) * self._weight.sum()
        return float(-found.fun - held - params.backlog_costs[0] * (self._weight @ asked))
