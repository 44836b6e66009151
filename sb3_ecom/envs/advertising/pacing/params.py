"""Parameters of a market and a campaign that bids in it for a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sb3_ecom.core.checks import MOST_MONEY, check_choice, check_fields, check_finite_fields, check_whole

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
        check_choice("auction", self.auction, ("second", "first"))
        check_finite_fields(self)
        self._check_ranges()
        check_fields(self, "quality_peaks", low=1, high=24, unit="a day")
        check_fields(self, "ticks", low=2, high=1440, unit="a day")
        check_fields(self, "auctions_per_tick", low=100, high=20_000)
        for name in ("traffic_profile", "price_profile"):
            check_whole(f"len({name})", len(getattr(self, name)), 24, 24, "levels")
            check_fields(self, name, low=0.01, high=100)
        check_fields(self, "budget_low", high=self.budget_high, unit="(budget_high)")

    def _check_ranges(self) -> None:
        check_fields(self, "price_median", low=1e-6, high=MOST_MONEY)
        check_fields(self, "value_alpha", "value_beta", low=0.01, high=1e4)
        check_fields(self, "conversion_rate", low=1e-9, high=1)
        check_fields(self, "price_spread", low=0.01, high=3)
        check_fields(self, "budget_high", above=0, high=1000)
        sds = ("traffic_day_sd", "traffic_ar_sd", "price_day_sd", "price_ar_sd", "price_jitter_sd")
        check_fields(self, *sds, low=0, high=1)
        check_fields(self, "price_regime", low=-2, high=2)
        check_fields(self, "quality_swing", "quality_regime", low=-5, high=5)
        check_fields(self, "quality_day_sd", "start_spread", low=0, high=3)
        check_fields(self, "delay", low=0, high=1000, unit="ticks")
        check_fields(self, "budget_low", low=0)
        check_fields(self, "traffic_ar", "price_ar", "value_correlation", above=-1, below=1)
        check_fields(self, "peak_spread", low=0, high=1, unit="of a wave")
        check_fields(self, "switch", low=0, high=0.5, unit="per tick")
