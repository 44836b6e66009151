"""A viewer with a budget of time, and the documents he may be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import MOST_MONEY, MOST_STEPS, check_fields, check_finite_fields, check_number


@dataclass(frozen=True, kw_only=True)
class EvolutionParams:
    """RecSim's interest evolution; the defaults are the published ones."""

    topics: int = 20  # T
    candidates: int = 10  # m, fresh documents every step
    slate_size: int = 3  # K
    low_quality_share: float = 0.7  # of the topics whose mean quality is <= 0
    lowest_quality: float = -3.0  # mean of the worst topic
    highest_quality: float = 3.0  # mean of the best topic
    quality_sd: float = 0.1  # of a document around its topic's mean
    choice_shift: float = 1.0  # an item's weight is affinity + shift
    skip_weight: float = 2.0  # weight of watching nothing
    budget: float = 200.0  # minutes at the start
    length: float = 4.0  # minutes of a document
    skip_cost: float = 0.5  # minutes that a page without a click costs
    refund: float = 0.9 / 3.4  # minutes of budget given back per minute watched and unit of quality
    drift: float = 0.3  # step of the clicked topic's interest at interest 0
    horizon: int = 500  # steps; the budget ends an episode long before

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "topics", low=2, high=1000)
        check_fields(self, "candidates", low=1, high=1000)
        check_number("topics x candidates", self.topics * self.candidates, high=10**5)
        check_fields(self, "slate_size", low=1, high=min(self.candidates, 6), unit="(candidates, 6)")
        check_fields(self, "low_quality_share", "drift", low=0, high=1)
        check_fields(self, "quality_sd", low=0, high=0.8)
        check_fields(self, "skip_weight", low=0, high=1e6)
        check_fields(self, "choice_shift", low=1, high=1e6)
        check_fields(self, "refund", low=0, high=1000)
        check_fields(self, "horizon", low=1, high=MOST_STEPS)
        check_fields(self, "budget", "length", "skip_cost", low=1e-3, high=MOST_MONEY, unit="minutes")
        check_fields(self, "lowest_quality", "highest_quality", low=-10, high=10)
        if not self.lowest_quality <= 0 <= self.highest_quality:
            raise ValueError(
                f"lowest_quality must be <= 0 <= highest_quality, got {self.lowest_quality} and "
                f"{self.highest_quality}"
            )
        if self.refund * (self.highest_quality + 5 * self.quality_sd) >= 1:
            raise ValueError(
                "refund must be < 1 / (highest_quality + 5 quality_sd), or nobody ever leaves, "
                f"got {self.refund}"
            )

    @property
    def topic_quality(self) -> NDArray[np.float64]:
        """(T,) mean quality: low topics up to 0, then high topics from 0."""
        low = round(self.low_quality_share * self.topics)
        parts = (
            np.linspace(self.lowest_quality, 0.0, low),
            np.linspace(0.0, self.highest_quality, self.topics - low),
        )
        return np.concatenate(parts)
