"""Parameters of a day of AuctionNet's market for one advertiser among frozen rivals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb3_ecom.core.checks import check_at_least, check_fields, check_finite_fields

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
    ticks: int = 48  # decisions per day, >= 2
    exposure: tuple[float, float, float] = (1.0, 0.8, 0.6)  # cascade: slot 3 is hidden wherever slot 2 is
    conversion_rate: float = 5e-4  # per impression, mean over categories, blocks and advertisers
    block_spread: float = 0.7  # a category's rate in a block of 8 ticks is 1 +- U(this)
    own_spread: float = 0.5  # an advertiser's own factor is 1 +- U(this)
    value_spread: float = 0.5  # sd over mean of predicted rates in a tick, mean over advertisers
    prediction_noise: float = 0.15  # sd of true over predicted rate, mean over advertisers; at most .3
    bias_sd: float = 0.0  # sd of the hidden log factor between true and predicted rates of the day
    price_day_sd: float = 0.0  # sd of the hidden log price level of the day
    rivals: int = 47  # bidders beside the own one, >= 3
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
        check_fields(self, "ticks", low=2)
        check_fields(self, "bundle", low=1)
        check_fields(self, "rivals", low=3)
        positive = ("conversion_rate", "rival_log_sd", "target_low", "value_spread", "budget_high")
        check_fields(self, *positive, above=0)
        sds = ("prediction_noise", "bias_sd", "price_day_sd", "reserve", "budget_low", "start_spread")
        check_fields(self, *sds, low=0)
        check_fields(self, "block_spread", "own_spread", low=0, below=1)
        check_at_least("impressions / bundle", self.auctions, 100 * self.ticks, "(100 a tick)")
        check_fields(self, "budget_low", high=self.budget_high, unit="(budget_high)")
        check_fields(self, "target_low", high=self.target_high, unit="(target_high)")
        first, second, third = self.exposure
        if not 1 >= first >= second >= third > 0:
            raise ValueError(f"exposure must fall from slot to slot in (0, 1], got {self.exposure}")

    @property
    def auctions(self) -> int:
        """Auctions per day."""
        return self.impressions // self.bundle

    @property
    def rate(self) -> float:
        """Mean conversions of a bundle."""
        return self.conversion_rate * self.bundle
