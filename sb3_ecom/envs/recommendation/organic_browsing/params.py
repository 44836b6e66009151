"""Products, visitors whose taste wanders, and how they come and go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import sigmoid
from sb3_ecom.core.checks import LARGEST_SEED, MOST_STEPS, check_fields, check_finite_fields

Floats = NDArray[np.float64]

_CODE = 16  # most floats that name a product in an observation


@dataclass(frozen=True, kw_only=True)
class OrganicBrowsingParams:
    """RecoGym's timeline; the defaults are the published ones except `popularity_sd` (published: 3)."""

    products: int = 10  # P
    factors: int = 5  # of taste
    taste_sd: float = 1.0  # of a new visitor's taste, per factor
    wander_sd: float = 0.1  # step of the taste before every view, per factor
    popularity_sd: float = 1.0  # of the products' popularity, logits
    flips: int = 0  # pairs of similar products whose answers to recommendations are swapped
    leave_bandit: float = 0.01  # chance to leave after a recommendation
    leave_organic: float = 0.01  # chance to leave after a view
    bandit_to_organic: float = 0.05
    organic_to_bandit: float = 0.25
    remembered: int = 10  # views and clicks that the observation remembers
    horizon: int = 300  # events; visitors leave by themselves after 100 or so
    catalogue_seed: int = 0  # of the products: a shop is drawn once

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "products", low=2, high=5000)  # `_partners` compares all pairs
        check_fields(self, "factors", low=1, high=100)
        check_fields(self, "remembered", low=1, high=1000)
        check_fields(self, "horizon", low=1, high=MOST_STEPS)
        check_fields(self, "taste_sd", "wander_sd", "popularity_sd", low=0, high=10)
        check_fields(self, "flips", low=0, high=self.products // 2, unit="(half of products)")
        check_fields(self, "catalogue_seed", low=0, high=LARGEST_SEED)
        check_fields(
            self, "leave_bandit", "leave_organic", "bandit_to_organic", "organic_to_bandit", low=0, high=1
        )
        for leave, move in (
            ("leave_bandit", "bandit_to_organic"),
            ("leave_organic", "organic_to_bandit"),
        ):
            if getattr(self, leave) + getattr(self, move) > 1:
                raise ValueError(
                    f"{leave} + {move} must be <= 1, got {getattr(self, leave) + getattr(self, move)}"
                )

    def catalogue(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return (P, factors) loadings, (P,) popularity and (P,) whose answer a recommendation gets."""
        generator = np.random.default_rng(self.catalogue_seed)
        loading = generator.normal(size=(self.products, self.factors))
        popularity = self.popularity_sd * generator.normal(size=self.products)
        return loading, popularity, self._partners(loading)

    def _partners(self, loading: Floats) -> NDArray[np.int64]:
        partner = np.arange(self.products)
        alike = loading @ loading.T
        np.fill_diagonal(alike, -np.inf)
        for _ in range(self.flips):
            a, b = np.unravel_index(int(alike.argmax()), alike.shape)
            partner[a], partner[b] = b, a
            alike[[a, b]], alike[:, [a, b]] = -np.inf, -np.inf
        return partner

    def codes(self) -> Floats:
        """Return (P, E) floats that name a product: one-hot up to 16 products, else random unit vectors."""
        if self.products <= _CODE:
            return np.eye(self.products)
        code = np.random.default_rng([self.catalogue_seed, 1]).normal(size=(self.products, _CODE))
        return np.asarray(code / np.linalg.norm(code, axis=1, keepdims=True))


MOST_CLICKED = 0.030  # upper end of `click_rate`


def click_rate(affinity: Floats) -> Floats:
    """Return the chance of a click: sigmoid(5 sigmoid(2 sigmoid(0.3 x) - 2) - 6), in (.0045, .030)."""
    return sigmoid(5.0 * sigmoid(2.0 * sigmoid(0.3 * affinity) - 2.0) - 6.0)  # type: ignore[no-any-return]
