"""Optimal ordering of an item that spoils, by value iteration."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.inventory.perishable.env import PerishableTask
from sb3_ecom.envs.inventory.perishable.markov_chain import advance, expected_cost
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.value_iteration import Table, solve


def oracle(task: PerishableTask) -> Oracle:
    """Return the optimal average reward of one period, with the policy that attains it."""
    table = solve_perishable(task.weighted_params())

    def make(loop: Any) -> Policy:
        return lambda observation: table.act(loop.task.units(observation))[:, 0]

    return Oracle(
        kind="optimal",
        value=-table.cost,
        stderr=0.0,
        information="the demand law; stock by age and pipeline",
        policy=make,
    )


@lru_cache(maxsize=16)
def solve_perishable(params: PerishableParams) -> Table:
    """Return the optimal policy.

    Raises:
        ValueError: if the state space is too large to sweep.
    """
    width, top = params.shelf_life + params.lead_time - 1, params.order_limit
    return solve(
        np.zeros(width, dtype=np.int64),
        np.full(width, top),
        np.arange(top + 1)[:, None],
        params.pmf(),
        lambda units, orders, demand: advance(params, units, orders[:, 0], demand)[0],
        lambda units, orders: expected_cost(params, units, orders[:, 0]),
    )
