"""Echelon base stock and constant orders for the chain, tuned by search on common random numbers.

Orders never exceed what the supplier can send at once, so nobody but the customer waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, NumpyBackend
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.chain.dynamics import State
from sb3_ecom.envs.inventory.chain.env import ChainTask
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.markov import local_search
from sb3_ecom.envs.inventory.residual import ShiftedRule, TunedShift

_EPISODES = 512  # common to all candidates of a search

Orders = Callable[[State], Array]  # -> (n, stages) units


def _echelon_gaps(params: ChainParams, levels: Sequence[int]) -> Orders:
    """Return how far each echelon position is below its level; negative where it is above.

    The position counts stock and transit downstream, minus customers' backlog.
    """
    targets = np.asarray(levels, dtype=np.float64)
    ends = np.cumsum(params.lead_times)

    def gaps(state: State) -> Array:
        lanes = [lane.sum(axis=1) for lane in np.split(state.transit, ends[:-1], axis=1)]
        return targets - np.cumsum(state.on_hand + np.stack(lanes, axis=1), axis=1) + state.unserved[:, :1]

    return gaps


def _ending_gaps(params: ChainParams, levels_and_stops: Sequence[int]) -> Orders:
    """Return the gaps to echelon base stock, 0 from each stage's own last period on."""
    stages = params.stages
    gaps = _echelon_gaps(params, levels_and_stops[:stages])
    stops = np.asarray(levels_and_stops[stages:])
    return lambda state: np.where(state.period[:, None] < stops, gaps(state), 0.0)


def echelon_orders(params: ChainParams, levels: Sequence[int]) -> Orders:
    """Raise each echelon position to its level."""
    gaps = _echelon_gaps(params, levels)
    return lambda state: _within(params, state, gaps(state))


def ending_orders(params: ChainParams, levels_and_stops: Sequence[int]) -> Orders:
    """Follow echelon base stock at each stage until its own last period: what comes later is never sold."""
    gaps = _ending_gaps(params, levels_and_stops)
    return lambda state: _within(params, state, gaps(state))


def constant_orders(params: ChainParams, amounts: Sequence[int]) -> Orders:
    """Order the same every period."""
    return lambda state: _within(params, state, np.broadcast_to(amounts, state.on_hand.shape))


def simulated_profit(params: ChainParams, orders: Orders, episodes: int = _EPISODES, seed: int = 30) -> Array:
    """Return the profit of each of `episodes` seasons that every candidate meets."""
    task = ChainTask(**{name: getattr(params, name) for name in params.__dataclass_fields__})
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, episodes))
    profit = np.zeros(episodes)
    for _ in range(params.periods):
        state, outcome = task.step(
            state, task.to_action(orders(state.tracked)), task.draw_step(source, episodes)
        )
        profit += task.counters(outcome, task.terms(outcome))["profit"]
    return profit


@lru_cache(maxsize=16)
def best_levels(params: ChainParams) -> tuple[int, ...]:
    """Return echelon base-stock levels by local search, coarse steps first."""
    mean = params.demand_mean
    ahead = np.cumsum(params.lead_times) + np.arange(1, params.stages + 1)
    start = tuple(int(level) for level in mean * ahead)
    return _search(lambda at: echelon_orders(params, at), params, start)


@lru_cache(maxsize=16)
def best_levels_and_stops(params: ChainParams) -> tuple[int, ...]:
    """Return levels and last periods by local search from the best levels, one grain of 4 and one of 1."""
    ahead = np.cumsum(params.lead_times)
    stops = tuple(int(max(params.periods - lead, 0)) for lead in ahead)
    return _search(lambda at: ending_orders(params, at), params, best_levels(params) + stops, (4, 1))


@lru_cache(maxsize=16)
def _best_amounts(params: ChainParams) -> tuple[int, ...]:
    """Return constant orders by local search, coarse steps first."""
    start = (int(params.demand_mean),) * params.stages
    return _search(lambda at: constant_orders(params, at), params, start)


def _search(
    family: Callable[[tuple[int, ...]], Orders],
    params: ChainParams,
    start: tuple[int, ...],
    grains: tuple[int, ...] = (16, 4, 1),
) -> tuple[int, ...]:
    for grain in grains:
        coarse = tuple(round(x / grain) for x in start)
        found, _ = local_search(
            lambda at, g=grain: -simulated_profit(params, family(tuple(x * g for x in at))).mean(),  # type: ignore[misc]
            coarse,
            (0,) * len(coarse),
        )
        start = tuple(x * grain for x in found)
    return start


def _within(params: ChainParams, state: State, wanted: Array) -> Array:
    orders = np.clip(wanted, 0, params.capacities)
    orders[:, :-1] = np.minimum(orders[:, :-1], state.on_hand[:, 1:])
    return orders


def _policy(task: ChainTask, orders: Orders) -> Policy:
    return lambda observation: task.to_action(orders(task.to_state(observation)))


def _shifted(task: ChainTask, gaps: Orders) -> ShiftedRule:
    """Return a rule whose shifts, (n, stages) units, are added to what each stage wants."""

    def decide(state: State, shift: Array) -> Array:
        return task.to_action(_within(task.params, state, gaps(state) + shift))

    return ShiftedRule(task.params.stages, task.to_state, decide)


def _base_stock(task: ChainTask) -> Policy:
    return _shifted(task, _echelon_gaps(task.params, best_levels(task.params)))


def _ending(task: ChainTask, levels_and_stops: Sequence[int]) -> ShiftedRule:
    return _shifted(task, _ending_gaps(task.params, levels_and_stops))


def _constant(task: ChainTask) -> Policy:
    return _policy(task, constant_orders(task.params, _best_amounts(task.params)))


CHAIN: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {
        "echelon_base_stock": _base_stock,
        "ending_base_stock": TunedShift(best_levels_and_stops, _ending),
        "constant_order": _constant,
    }
)
