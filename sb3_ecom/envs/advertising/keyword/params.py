"""Parameters of a search campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb3_ecom.core.checks import check_fields, check_finite_fields, check_number

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # AdCraft's four densities: searches per keyword and day, and the scale of conversion rates.
    "dense": {"volume": 128.0},
    "semi_dense": {"volume": 64.0},
    "sparse": {"volume": 64.0, "conversion_scale": 0.125},
    "very_sparse": {"volume": 16.0, "conversion_scale": 0.125},
    # 609 AdWords keywords (Crealytics; only the fit ships). Fitted: click rates (beta-binomial), log mean
    # daily impressions per keyword N(2.96, 1.04), their spread within a keyword (.965, lag-1 .66). Assumed:
    # that the sum over keywords is steady, ten keywords, win curves, conversions and what they earn.
    "adwords": {
        "volume": 33.1,  # exp(2.96 + 1.04^2 / 2)
        "volume_sd": 1.04,
        "volume_day_sd": 0.965,
        "volume_memory": 0.66,
        "click_alpha": 1.147,
        "click_beta": 34.8,
        "conversion_scale": 0.125,
    },
}


@dataclass(frozen=True, kw_only=True)
class KeywordParams:
    """Keywords whose auctions, click and conversion rates must be learnt while they drift."""

    keywords: int = 10
    days: int = 60  # per campaign
    volume: float = 128.0  # mean searches per keyword and day
    volume_sd: float = 0.0  # sd of the log share of searches between keywords
    volume_day_sd: float = 0.0  # stationary sd of that log share of a keyword around its mean
    volume_memory: float = 0.66  # correlation of that from day to day
    click_alpha: float = 2.0  # Beta shape of click rates
    click_beta: float = 5.0  # Beta shape of click rates
    conversion_scale: float = 1.0  # conversion rates are this times Beta(5, 2), and earn so much more
    drift_sd: float = 0.35  # stationary sd of the log odds of click and conversion rates around their mean
    drift_memory: float = 0.93  # correlation of that drift from day to day
    budget_low: float = 0.2  # least daily budget, as a share of what the best bids spend without one
    budget_high: float = 0.8  # greatest, likewise

    @property
    def uneven(self) -> bool:
        """Some keywords are searched more than others."""
        return self.volume_sd > 0 or self.volume_day_sd > 0

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "keywords", low=1, high=1000)
        check_fields(self, "days", low=2, high=10_000)
        check_fields(self, "drift_sd", "volume_sd", "volume_day_sd", low=0, high=3)
        check_fields(self, "click_alpha", "click_beta", low=0.01, high=1e4)
        check_fields(self, "volume", low=0.1, high=1e6)
        check_number(
            "keywords x volume", self.keywords * self.volume, low=100, high=1e6, unit="searches a day"
        )
        check_fields(self, "conversion_scale", low=1e-4, high=1)
        check_fields(self, "budget_low", low=0)
        check_fields(self, "budget_high", above=0, high=1e6)
        check_fields(self, "drift_memory", "volume_memory", low=0, below=1)
        check_fields(self, "budget_low", high=self.budget_high, unit="(budget_high)")
