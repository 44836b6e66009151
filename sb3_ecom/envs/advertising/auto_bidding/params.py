"""Parameters of a day of AuctionNet's market for one advertiser among frozen rivals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb3_ecom.core.checks import check_fields, check_finite_fields, check_number

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "sparse": {},
    # Ten times the conversions at a tenth of the target: the same bids and prices.
    "dense": {"conversion_rate": 5e-3, "target_low": 6.0, "target_high": 13.0},
    # Predictions are off by a hidden factor and prices by another: only conversions and wins tell.
    "biased": {
        "conversion_rate": 5e-3,
        "target_low": 6.0,
        "target_high": 13.0,
        "bias_sd": 0.3,
        "price_day_sd": 0.2,
    },
}


@dataclass(frozen=True, kw_only=True)
class AutoParams:
    """Impressions come in bundles that are sold as one: rates and prices grow with the bundle."""

    impressions: int = 500_000  # per day
    bundle: int = 25  # impressions sold together; 1 is AuctionNet's own market
    ticks: int = 48  # decisions per day
    exposure: tuple[float, float, float] = (1.0, 0.8, 0.6)  # cascade: slot 3 is hidden wherever slot 2 is
    conversion_rate: float = 5e-4  # per impression, mean over categories, blocks and advertisers
    block_spread: float = 0.7  # a category's rate in a block of 8 ticks is 1 +- U(this)
    own_spread: float = 0.5  # an advertiser's own factor is 1 +- U(this)
    value_spread: float = 0.5  # sd over mean of predicted rates in a tick, mean over advertisers
    prediction_noise: float = 0.15  # sd of true over predicted rate, mean over advertisers; at most .3
    bias_sd: float = 0.0  # sd of the hidden log factor between true and predicted rates of the day
    price_day_sd: float = 0.0  # sd of the hidden log price level of the day
    rivals: int = 47  # bidders beside the own one
    rival_log_mean: float = -3.10  # log bid per impression of a rival
    rival_log_sd: float = 0.59  # its sd over rivals
    reserve: float = 1e-4  # least price of an exposed impression
    budget_low: float = 2000.0  # money per day
    budget_high: float = 4850.0  # money per day
    target_low: float = 60.0  # money per conversion
    target_high: float = 130.0  # money per conversion
    start_spread: float = 0.5  # sd of the log multiplier that the day starts with

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "ticks", low=2, high=1440)
        check_fields(self, "bundle", low=1, high=1000)
        check_fields(self, "impressions", low=200, high=10**9)
        check_fields(self, "rivals", low=3, high=10_000)
        self._check_market()
        check_number(
            "impressions / bundle", self.auctions, low=100 * self.ticks, high=10**6, unit="(100 x ticks)"
        )
        check_fields(self, "budget_high", above=0, high=1e9)
        check_fields(self, "budget_low", low=0, high=self.budget_high, unit="(budget_high)")
        check_fields(self, "target_high", low=1e-3, high=1e5)
        check_fields(self, "target_low", low=1e-3, high=self.target_high, unit="(target_high)")

    def _check_market(self) -> None:
        check_fields(self, "conversion_rate", low=1e-9, high=0.1)
        check_fields(self, "value_spread", above=0, high=3)
        check_fields(self, "rival_log_mean", low=-10, high=2)
        check_fields(self, "rival_log_sd", low=0.01, high=2)
        check_fields(self, "prediction_noise", low=0, high=0.3)
        check_fields(self, "bias_sd", "price_day_sd", low=0, high=1)
        check_fields(self, "start_spread", low=0, high=3)
        check_fields(self, "reserve", low=0, high=1)
        check_fields(self, "block_spread", "own_spread", low=0, below=1)
        first, second, third = self.exposure
        if not 1 >= first >= second >= third >= 1e-3:
            raise ValueError(f"exposure must fall from slot to slot in [0.001, 1], got {self.exposure}")

    @property
    def auctions(self) -> int:
        """Auctions per day."""
        return self.impressions // self.bundle

    @property
    def rate(self) -> float:
        """Mean conversions of a bundle."""
        return self.conversion_rate * self.bundle
