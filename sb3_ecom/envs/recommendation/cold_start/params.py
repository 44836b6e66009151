"""A season of new items: what their features promise, and what they keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import LARGEST_SEED, MOST_STEPS, check_fields, check_finite_fields, check_number

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ColdStartParams:
    """Item j is clicked with probability sigmoid(base + weights . features_j + own_sd x surprise_j)."""

    items: int = 20  # N, new in every episode
    features: int = 5  # floats per item, N(0, 1)
    horizon: int = 200  # impressions
    base: float = -2.0  # logit of the click rate of an average item
    feature_sd: float = 0.6  # sd of the logit that the features explain
    own_sd: float = 0.8  # sd of the logit that they do not
    weight_seed: int = 0  # of the weights: how features sell is the same in every season

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "items", low=2, high=10_000)
        check_fields(self, "features", low=1, high=1000)
        check_number("items x features", self.items * self.features, high=10**6)
        check_fields(self, "horizon", low=1, high=MOST_STEPS)
        check_fields(self, "base", low=-20, high=20)
        check_fields(self, "feature_sd", "own_sd", low=0, high=10)
        check_fields(self, "weight_seed", low=0, high=LARGEST_SEED)

    @property
    def weights(self) -> Floats:
        """(features,) logits per unit, of length `feature_sd`."""
        draw = np.random.default_rng(self.weight_seed).normal(size=self.features)
        return np.asarray(self.feature_sd * draw / np.linalg.norm(draw))
