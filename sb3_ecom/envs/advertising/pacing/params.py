"""Parameters of a market and a campaign that bids in it for a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sb3_ecom.envs.advertising.checks import check_finite, check_least, check_positive

Auction = Literal["second", "first"]

_FLAT = (1.0,) * 24


@dataclass(frozen=True, kw_only=True)
class PacingParams:
    """One day of auctions for one campaign.

    Money is counted in the log's own price unit (currency per 1000 impressions). The hidden conversion
    quality multiplies the conversions of a won impression; bidders see it only through their conversions.
    """

    auction: Auction = "second"  # the winner pays the highest rival bid, or its own ("first")
    ticks: int = 48  # decisions per day, >= 2
    auctions_per_tick: float = 400.0  # mean over the day
    traffic_profile: tuple[float, ...] = _FLAT  # 24 hourly traffic levels; scaled to a mean of 1
    traffic_day_sd: float = 0.3  # sd of the day's log traffic
    traffic_ar: float = 0.85  # correlation of log traffic from tick to tick, within a day
    traffic_ar_sd: float = 0.1  # stationary sd of that part
    price_median: float = 1.0  # price unit, median over the day of the hourly mean price
    price_profile: tuple[float, ...] = _FLAT  # 24 hourly price levels; scaled to a log mean of 0
    price_day_sd: float = 0.22  # sd of the day's log price
    price_ar: float = 0.92  # correlation of the log price level from tick to tick, within a day
    price_ar_sd: float = 0.18  # stationary sd of that part
    price_jitter_sd: float = 0.0  # sd of the log price level, new every tick
    price_regime: float = 0.0  # log price, + or - in a hidden two-state chain
    price_spread: float = 0.8  # sd of log price among the auctions of a tick
    value_alpha: float = 1.147  # Beta shape of predicted response rates
    value_beta: float = 34.8  # Beta shape of predicted response rates
    value_correlation: float = 0.3  # of the normal scores of value and price, in (-1, 1)
    conversion_rate: float = 0.1  # conversions per impression of mean value
    quality_swing: float = 0.5  # log quality, amplitude over the day (a sine that peaks at 06:00)
    quality_regime: float = 0.9  # log quality, + or - in a hidden two-state chain
    quality_day_sd: float = 0.0  # sd of the day's log quality: how far the campaign's predictions are off
    quality_peaks: int = 1  # of that sine in a day, >= 1
    peak_spread: float = 0.0  # share of a wave over which a day's peaks are shifted, hidden, in [0, 1]
    switch: float = 1 / 24  # chance per tick that a hidden chain changes state
    delay: float = 0.0  # ticks from win to conversion, mean of a geometric law
    start_spread: float = 1.0  # sd of the log multiplier that the campaign starts the day with
    budget_low: float = 0.1  # smallest budget, as a share of the mean cost of buying everything
    budget_high: float = 0.4  # largest budget, likewise

    def __post_init__(self) -> None:
        if self.auction not in ("second", "first"):
            raise ValueError(f"auction must be second or first, got {self.auction!r}")
        check_finite(self)
        self._check_ranges()
        if self.quality_peaks < 1:
            raise ValueError(f"quality_peaks must be >= 1 a day, got {self.quality_peaks}")
        if self.ticks < 2:
            raise ValueError(f"ticks must be >= 2 per day, got {self.ticks}")
        if self.auctions_per_tick < 100:
            raise ValueError(f"auctions_per_tick must be >= 100, got {self.auctions_per_tick}")
        for name in ("traffic_profile", "price_profile"):
            profile = getattr(self, name)
            if len(profile) != 24 or min(profile) <= 0:
                raise ValueError(f"{name} must hold 24 levels > 0, got {len(profile)}, least {min(profile)}")
        if not self.budget_low <= self.budget_high:
            raise ValueError(f"budget_low must be <= budget_high = {self.budget_high}, got {self.budget_low}")

    def _check_ranges(self) -> None:
        check_positive(self, "price_median", "value_alpha", "value_beta", "conversion_rate", "price_spread")
        check_positive(self, "budget_high")
        sds = ("traffic_day_sd", "traffic_ar_sd", "price_day_sd", "price_ar_sd", "price_jitter_sd")
        check_least(self, 0, *sds, "quality_day_sd", "delay", "start_spread", "budget_low")
        for name in ("traffic_ar", "price_ar", "value_correlation"):
            if not -1 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be in (-1, 1), got {getattr(self, name)}")
        if not 0 <= self.peak_spread <= 1:
            raise ValueError(f"peak_spread must be in [0, 1] of a wave, got {self.peak_spread}")
        if not 0 <= self.switch <= 0.5:
            raise ValueError(f"switch must be in [0, 0.5] per tick, got {self.switch}")
