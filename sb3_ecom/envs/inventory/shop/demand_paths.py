"""Demand of a web shop day by day; no action changes it."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.inventory.markov import Values
from sb3_ecom.envs.inventory.shop.env import ShopTask


def demand_paths(task: ShopTask, paths: int, seed: int, days: int | None = None) -> Values:
    """Return (days, paths, N) units of demand; `days` defaults to the horizon."""
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, paths))
    idle = np.full((paths, *(task.action_space.shape or ())), -1.0, dtype=np.float32)
    found = []
    for _ in range(task.horizon if days is None else days):
        state, outcome = task.step(state, idle, task.draw_step(source, paths))
        found.append(outcome.demand)
    return np.array(found, dtype=np.float64)
