"""Optimal ordering from two suppliers, by value iteration."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np

from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.inventory.demand import backlog_tail, fractile
from sb3_ecom.envs.inventory.dual_sourcing.env import DualSourcingTask
from sb3_ecom.envs.inventory.dual_sourcing.markov_chain import expected_cost, move
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.value_iteration import Table, solve


def oracle(task: DualSourcingTask) -> Oracle:
    """Return the optimal average reward of one period, with the policy that attains it."""
    table = solve_dual_sourcing(task.weighted_params())

    def make(loop: Any) -> Policy:
        return lambda observation: loop.task.to_action(table.act(loop.task.units(observation)))

    return Oracle(
        kind="optimal",
        value=-table.cost,
        stderr=0.0,
        information="the demand law; net stock and pipeline",
        policy=make,
    )


def _deepest_backlog(params: DualSourcingParams) -> int:
    """Return a net stock below which next to no policy worth its name ever falls, units."""
    top = params.order_limit
    most = top if top > params.demand_mean else 2 * top  # one supplier's orders, or both's
    waiting = fractile(params.pmf(params.regular_lead_time + 1), 1 - 1e-9)
    return min(-2 * top, -waiting - backlog_tail(params.pmf(), most))


@lru_cache(maxsize=16)
def solve_dual_sourcing(params: DualSourcingParams) -> Table:
    """Return the optimal policy.

    Raises:
        ValueError: if the state space is too large to sweep, or orders can not keep up with demand.
    """
    top, width = params.order_limit, params.regular_lead_time
    high = np.array([params.position_limit] + [top] * (width - 1))
    low = np.array([_deepest_backlog(params)] + [0] * (width - 1))
    actions = np.array(list(product(range(top + 1), range(top + 1))))
    return solve(
        low,
        high,
        actions,
        params.pmf(),
        partial(move, params),
        partial(expected_cost, params),
    )
