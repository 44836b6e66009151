"""A catalogue of topics, visitors with a few tastes, and when they are bored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import (
    LARGEST_SEED,
    MOST_STEPS,
    check_choice,
    check_fields,
    check_finite_fields,
    check_number,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BoredomParams:
    """SARDINE's slate task with boredom; the defaults are the published ones, plus influence."""

    items: int = 1000  # N
    topics: int = 10  # T
    slate_size: int = 10  # K
    horizon: int = 100  # pages
    slope: float = 100.0  # of the relevance in the cosine of item and taste
    offset: float = 0.65  # cosine of relevance one half
    position_decay: float = 0.85  # click propensity of a slot relative to the one above
    boredom: str = "car"  # what boredom takes: "car" all interest, "tloi" that in the topic, "none" nothing
    bored_at: int = 5  # clicks on one main topic that bore it
    window: int = 5  # pages that such clicks count, and that boredom lasts
    remembered: int = 10  # latest clicks that count at most
    influence: str = "vector"  # taste follows the clicked "vector", the published "scalar", or "none"
    inertia: float = 0.95  # share of the taste that a page with clicks leaves
    catalogue_seed: int = 0  # of the items: a shop is drawn once

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_choice("boredom", self.boredom, ("car", "tloi", "none"))
        check_choice("influence", self.influence, ("vector", "scalar", "none"))
        check_fields(self, "topics", low=3, high=1000)
        check_fields(self, "items", low=1, high=100_000)
        check_number("items x topics", self.items * self.topics, high=2 * 10**6)
        check_fields(self, "slate_size", low=1, high=min(self.items, 1000), unit="(items)")
        check_fields(self, "horizon", "window", low=1, high=MOST_STEPS)
        check_fields(self, "bored_at", "remembered", low=1, high=1000)
        check_fields(self, "slope", low=0, high=1e4)
        check_fields(self, "offset", low=-1, high=1)
        check_fields(self, "catalogue_seed", low=0, high=LARGEST_SEED)
        check_fields(self, "position_decay", "inertia", low=0, high=1)
        check_fields(self, "bored_at", high=self.remembered, unit="(remembered)")

    def catalogue(self) -> Floats:
        """Return the (N, T) item vectors: 2 or 3 topics with uniform weights, unit length."""
        generator = np.random.default_rng(self.catalogue_seed)
        weight = generator.random((self.items, self.topics))
        rank = generator.random((self.items, self.topics)).argsort(axis=1).argsort(axis=1)
        weight[rank >= generator.integers(2, 4, self.items)[:, None]] = 0.0
        return np.asarray(weight / np.linalg.norm(weight, axis=1, keepdims=True))

    @property
    def taste_counts(self) -> Floats:
        """Chances that a visitor has 3, 4 or 5 topics: Binomial(T, 4 / T) within these bounds."""
        chance = min(4 / self.topics, 1.0)
        counts = [
            math.comb(self.topics, k) * chance**k * (1 - chance) ** max(self.topics - k, 0) for k in (3, 4, 5)
        ]
        return np.asarray(counts) / sum(counts)
