"""A weighted sum of the named reward terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_weights
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper


def weighted_sum(terms: Mapping[str, Array], weights: Mapping[str, float]) -> Array:
    """Return the (n,) sum of weight x term; terms without a weight count nothing."""
    total: Array = 0.0
    for name, weight in weights.items():
        total = total + terms[name] * weight
    return total


@dataclass(frozen=True)
class Weighted(RewardRule):
    """Replaces the reward by a weighted sum of the named reward terms.

    A cost stands in the terms as it stands in the reward, as a negative number, so a positive weight makes
    it a cost here as well. For an affine change of the whole reward use gymnasium's ``TransformReward``;
    for its scale use gymnasium's ``NormalizeReward`` or SB3's ``VecNormalize(norm_obs=False)``.

    Args:
        weights: term name -> weight (reward units per unit of the term); other terms count nothing.

    Raises:
        ValueError: if `weights` is empty or holds a weight that is not finite.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        check_weights("weights", self.weights)
        if not self.weights:
            raise ValueError(f"weights must map at least one term name to a number, got {self.weights!r}")

    @property
    def needed_terms(self) -> tuple[str, ...]:
        """The weighted terms."""
        return tuple(self.weights)

    def apply(self, state: Any, step: Step, noise: Array | None) -> tuple[Any, Step]:
        """Weigh the terms."""
        return state, step._replace(reward=weighted_sum(step.terms, self.weights))


class WeightedReward(RewardWrapper, rule=Weighted):
    """gymnasium wrapper of `Weighted`."""
