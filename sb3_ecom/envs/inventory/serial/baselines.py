"""Echelon base stock (exact and newsvendor levels) and local base stock, tuned by search.

They know the demand law and see the whole state. The search of the local levels is by simulation on common
random numbers; its budget stands in `_PERIODS` and `_COPIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.markov import local_search
from sb3_ecom.envs.inventory.residual import ShiftedRule, TunedShift
from sb3_ecom.envs.inventory.serial.clark_scarf import newsvendor_levels, optimal_levels
from sb3_ecom.envs.inventory.serial.dynamics import State, echelon_positions
from sb3_ecom.envs.inventory.serial.env import SerialTask
from sb3_ecom.envs.inventory.serial.params import SerialParams

_COPIES, _PERIODS, _WARMUP = 256, 100, 30

Orders = Callable[[State], Array]  # -> (n, stages) units


def _echelon_gaps(params: SerialParams, levels: Sequence[int]) -> Orders:
    """Return how far every stage's echelon position is below its level; negative where it is above."""
    targets = np.asarray(levels, dtype=np.float32)
    return lambda state: targets - np.stack(echelon_positions(state, params.lead_times), axis=1)


def echelon_orders(params: SerialParams, levels: Sequence[int]) -> Orders:
    """Raise every stage's echelon position to its level."""
    gaps = _echelon_gaps(params, levels)
    return lambda state: np.maximum(gaps(state), 0)


def _local_gaps(params: SerialParams, levels: Sequence[int]) -> Orders:
    """Return how far every stage's own position (on hand + due - owed below) is below its level."""
    targets = np.asarray(levels, dtype=np.float32)

    def gaps(state: State) -> Array:
        echelon = np.stack(echelon_positions(state, params.lead_times), axis=1)
        return targets - np.diff(echelon, axis=1, prepend=0.0)

    return gaps


def _local_orders(params: SerialParams, levels: Sequence[int]) -> Orders:
    """Raise every stage's own position to its level."""
    gaps = _local_gaps(params, levels)
    return lambda state: np.maximum(gaps(state), 0)


def _simulated_cost(params: SerialParams, orders: Orders) -> float:
    """Return the average cost per period on demands that every candidate meets."""
    task = SerialTask(**_kwargs(params))
    source = NumpyBackend(np.random.default_rng(20_08))
    state = task.initial_state(task.draw_reset(source, _COPIES))
    cost = 0.0
    for period in range(_WARMUP + _PERIODS):
        action = task.to_action(orders(state.tracked))
        state, outcome = task.step(state, action, task.draw_step(source, _COPIES))
        if period >= _WARMUP:
            cost += float(task.counters(outcome, task.terms(outcome))["cost"].mean())
    return cost / _PERIODS


@lru_cache(maxsize=32)
def _best_local_levels(params: SerialParams) -> tuple[int, ...]:
    """Return local base-stock levels, by local search from those that the echelon levels imply."""
    echelon = optimal_levels(params)[0]
    start = tuple(int(level) for level in np.maximum(np.diff(echelon, prepend=0), 1))
    return local_search(
        lambda at: _simulated_cost(params, _local_orders(params, at)), start, (0,) * len(start)
    )[0]


def _kwargs(params: SerialParams) -> dict[str, Any]:
    return {name: getattr(params, name) for name in params.__dataclass_fields__}


def to_policy(task: SerialTask, orders: Orders) -> Policy:
    """Return a policy of observations."""
    return lambda observation: task.to_action(orders(task.to_state(observation)))


def _shifted(task: SerialTask, gaps: Orders) -> ShiftedRule:
    """Return base stock whose levels can be shifted by (n, stages) units."""

    def decide(state: State, shift: Array) -> Array:
        return task.to_action(gaps(state) + shift)  # what is below nothing is cut there

    return ShiftedRule(task.params.stages, task.to_state, decide)


def _newsvendor(task: SerialTask) -> Policy:
    return _shifted(task, _echelon_gaps(task.params, newsvendor_levels(task.params)))


def _local(task: SerialTask, levels: Sequence[int]) -> ShiftedRule:
    return _shifted(task, _local_gaps(task.params, levels))


def _echelon(task: SerialTask) -> Policy:
    return _shifted(task, _echelon_gaps(task.params, optimal_levels(task.params)[0]))


SERIAL: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {
        "echelon_base_stock": _echelon,
        "newsvendor_base_stock": _newsvendor,
        "local_base_stock": TunedShift(_best_local_levels, _local),
    }
)
