"""Which rewards an oracle answers for: the one it maximises, at any weight, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sb3_ecom.core.registry import Oracle


def only_weight(task: Any, *terms: str) -> float:
    """Return the weight of what the oracle maximises.

    Args:
        task: whose `reward_weights` are read.
        terms: have the same expectation; their weights add up.

    Raises:
        ValueError: if another term is paid, or the weight is not > 0.
    """
    weights = task.reward_weights
    weight = sum(weights.get(term, 0.0) for term in terms)
    others = [term for term, other in weights.items() if other and term not in terms]
    if others or not weight > 0:
        paid = " or ".join(terms)
        raise ValueError(f"reward_weights must pay {paid} alone, > 0, for an oracle; got {dict(weights)}")
    return float(weight)


def scaled(oracle: Oracle, weight: float) -> Oracle:
    """Return the oracle of a reward `weight` times as large."""
    return replace(oracle, value=oracle.value * weight, stderr=oracle.stderr * weight)
