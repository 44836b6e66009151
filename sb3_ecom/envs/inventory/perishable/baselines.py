"""Base stock, base stock corrected for expected waste, and a constant order, each tuned by exact search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.demand import fractile
from sb3_ecom.envs.inventory.markov import Rule, Units, local_search
from sb3_ecom.envs.inventory.perishable.dynamics import step
from sb3_ecom.envs.inventory.perishable.env import PerishableTask
from sb3_ecom.envs.inventory.perishable.markov_chain import rule_cost, state_of
from sb3_ecom.envs.inventory.perishable.params import PerishableParams


def base_stock(params: PerishableParams, level: int) -> Rule:
    """Order up to `level` in all, whatever its age."""
    return lambda units: np.maximum(level - units.sum(axis=1), 0)


def _waste_corrected(params: PerishableParams, level: int) -> Rule:
    """Order up to `level`, not counting what will spoil before the order arrives at mean demand.

    Source: Broekmeulen and van Donselaar (2009), Computers & Operations Research 36(11), the EWA policy.
    """

    def rule(units: Units) -> Units:
        state = state_of(params, units)
        mean, none = np.full(len(units), params.demand_mean), np.zeros(len(units))
        spoilt = np.zeros(len(units))
        for _ in range(params.lead_time):
            state, outcome = step(state, none, mean, params)
            spoilt += outcome.wasted
        return np.asarray(np.maximum(level - units.sum(axis=1) + np.rint(spoilt).astype(np.int64), 0))

    return rule


def constant_order(params: PerishableParams, order: int) -> Rule:
    """Order the same every period."""
    return lambda units: np.full(len(units), order)


_FAMILIES: dict[str, Callable[[PerishableParams, int], Rule]] = {
    "base_stock": base_stock,
    "waste_corrected_base_stock": _waste_corrected,
    "constant_order": constant_order,
}


@lru_cache(maxsize=64)
def tuned(params: PerishableParams, name: str) -> tuple[int, float]:
    """Return the best whole number of a family and its exact average cost."""
    periods = 1 if name == "constant_order" else params.lead_time + 1
    start = max(fractile(params.pmf(periods), params.service_level), 1)
    (best,), cost = local_search(
        lambda point: rule_cost(params, _FAMILIES[name](params, point[0])), (start,), (0,)
    )
    return best, cost


def _baseline(name: str) -> Callable[[PerishableTask], Policy]:
    def make(task: PerishableTask) -> Policy:
        params = task.tuning_params()
        rule = _FAMILIES[name](params, tuned(params, name)[0])
        return lambda observation: np.clip(rule(task.units(observation)), 0, params.order_limit)

    return make


PERISHABLE: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {name: _baseline(name) for name in _FAMILIES}
)
