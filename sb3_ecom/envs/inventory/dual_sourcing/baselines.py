"""Single index, dual index, capped dual index and tailored base-surge, each tuned by exact search.

They know the demand law and see the whole state. Source of the policies: Veeraraghavan and Scheller-Wolf
(2008) and Sun and Van Mieghem (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.inventory.demand import fractile
from sb3_ecom.envs.inventory.dual_sourcing.env import DualSourcingTask
from sb3_ecom.envs.inventory.dual_sourcing.markov_chain import rule_cost
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.markov import Rule, Units, local_search


def dual_index(express_level: int, gap: int, cap: int | None = None) -> Rule:
    """Express up to `express_level` on hand; regular up to `express_level + gap` in all, at most `cap`."""

    def rule(units: Units) -> Units:
        # An express order serves today's demand: it looks at today's stock alone.
        express = np.maximum(express_level - units[:, 0], 0)
        regular = np.maximum(express_level + gap - units.sum(axis=1) - express, 0)
        return np.stack([regular if cap is None else np.minimum(regular, cap), express], axis=1)

    return rule


def single_index(express_level: int, gap: int) -> Rule:
    """Compare stock plus pipeline with both levels."""

    def rule(units: Units) -> Units:
        position = units.sum(axis=1)
        express = np.maximum(express_level - position, 0)
        return np.stack([np.maximum(express_level + gap - position - express, 0), express], axis=1)

    return rule


def tailored_base_surge(express_level: int, regular: int) -> Rule:
    """Buy a constant regular quantity; express up to `express_level` on hand."""

    def rule(units: Units) -> Units:
        express = np.maximum(express_level - units[:, 0], 0)
        return np.stack([np.full(len(units), regular), express], axis=1)

    return rule


@lru_cache(maxsize=64)
def tuned(params: DualSourcingParams, name: str) -> tuple[tuple[int, ...], float]:
    """Return the best integers of a family and their exact average cost."""
    family, start, low = _families(params)[name]
    return local_search(lambda point: rule_cost(params, family(*point)), start, low)


def _families(params: DualSourcingParams) -> dict[str, tuple[Callable[..., Rule], Any, Any]]:
    level = params.penalty / (params.penalty + params.holding_cost)
    now, ahead = (fractile(params.pmf(k), level) for k in (1, params.regular_lead_time + 1))
    mean, low = int(params.demand_mean), -10 * params.order_limit
    return {
        "single_index": (single_index, (now + mean, ahead - now), (low, 0)),
        "dual_index": (dual_index, (now, ahead - now), (low, 0)),
        "capped_dual_index": (dual_index, (now, ahead - now, mean + 1), (low, 0, 0)),
        "tailored_base_surge": (tailored_base_surge, (now, max(mean - 1, 0)), (low, 0)),
    }


def _baseline(name: str) -> Callable[[DualSourcingTask], Policy]:
    def make(task: DualSourcingTask) -> Policy:
        params = task.tuning_params()
        rule = _families(params)[name][0](*tuned(params, name)[0])
        return lambda observation: task.to_action(rule(task.units(observation)))

    return make


DUAL_SOURCING: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {
        name: _baseline(name)
        for name in ("single_index", "dual_index", "capped_dual_index", "tailored_base_surge")
    }
)
