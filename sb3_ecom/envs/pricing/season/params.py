"""Parameters of a season: products, stocks, price bounds and the law of hidden demand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from sb3_ecom.core.checks import MOST_MONEY, check_fields, check_finite_fields, check_whole

_SDS = 2.5  # standard deviations at which hidden logs are cut
_LARGEST_LOG = 60.0  # of attractions: beyond, float32 holds no sum of them
_MOST_VISITORS = 1e7  # per period, at the highest level: float32 still counts single units


@dataclass(frozen=True, kw_only=True)
class SeasonParams:
    """K products that are not bought again, T periods, and demand that the shop does not know.

    A price is reference price x factor, with the factor in [floor, cap]. The logs of demand level and price
    sensitivity are normal when a season begins and walk at random from there.
    """

    price: tuple[float, ...] = (20.0, 30.0, 40.0, 60.0)  # reference prices, money
    appeal: tuple[float, ...] = (0.0, -0.2, -0.4, -0.8)  # utility at the reference price; leaving has 0
    stock: tuple[int, ...] = (40, 35, 30, 20)  # units when the season opens
    periods: int = 30  # of a season
    visitors: float = 8.0  # mean per period, at the median level
    level_sd: float = 0.4  # sd of the season's log demand level
    level_drift: float = 0.08  # sd of its step per period
    sensitivity: float = 2.4  # median utility lost per reference price
    sensitivity_sd: float = 0.7  # sd of the season's log sensitivity
    sensitivity_drift: float = 0.1  # sd of its step per period
    floor: float = 0.5  # lowest price factor that a policy can set
    cap: float = 2.5  # highest
    salvage: float = 0.0  # value of a unit left over, share of its reference price
    waiting: float = 0.0  # how good waiting for the lowest price seen is, 0: nobody waits
    levels: int = 9  # price levels of action="grid"
    history: int = 8  # periods that the observation shows

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_whole("len(price)", self.products, 1, 100, "products")
        for name in ("appeal", "stock"):
            if len(getattr(self, name)) != self.products:
                raise ValueError(
                    f"{name} must have one value per price ({self.products}), got {len(getattr(self, name))}"
                )
        check_fields(self, "price", low=1e-3, high=MOST_MONEY, unit="money")
        check_fields(self, "appeal", low=-20, high=10)
        check_fields(self, "stock", low=1, high=100_000, unit="units")
        check_fields(self, "periods", low=2, high=10_000)
        check_fields(self, "visitors", low=1e-3, high=100_000, unit="per period")
        check_fields(self, "level_sd", "sensitivity_sd", low=0, high=2)
        check_fields(self, "level_drift", "sensitivity_drift", low=0, high=1)
        check_fields(self, "sensitivity", low=0.01, high=20)
        check_fields(self, "floor", low=0.05, high=1)
        check_fields(self, "cap", low=1, high=10)
        if self.cap <= self.floor:
            raise ValueError(f"cap must be above floor ({self.floor}), got {self.cap}")
        check_fields(self, "salvage", low=0, high=self.floor, unit="(floor)")
        check_fields(self, "waiting", low=0, high=1)
        check_whole("levels", self.levels, 2, 1000)
        check_whole("history", self.history, 1, 100, "periods")
        self._check_extremes()

    def _check_extremes(self) -> None:
        """Refuse demand that could leave what float32 holds, at the limits of the hidden logs."""
        names = "visitors, level_sd, level_drift, periods"
        most = math.log(self.visitors) + self.level_limit
        if most > math.log(_MOST_VISITORS):
            raise ValueError(f"visitors at the highest level ({names}) must be <= 1e7, got e^{most:.3g}")
        slope = math.log(self.sensitivity) + self.sensitivity_limit
        utility = max(self.appeal) + math.exp(min(slope, 50.0)) * (1 - self.floor)
        if utility > _LARGEST_LOG:
            raise ValueError(
                "the largest utility (appeal, sensitivity, its sd and drift, periods, floor) "
                f"must be <= {_LARGEST_LOG:g}, got {utility:.4g}"
            )

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.price)

    @cached_property
    def level_limit(self) -> float:
        """Largest absolute log level."""
        return _SDS * math.hypot(self.level_sd, self.level_drift * math.sqrt(self.periods))

    @cached_property
    def sensitivity_limit(self) -> float:
        """Largest absolute log of sensitivity over its median."""
        return _SDS * math.hypot(self.sensitivity_sd, self.sensitivity_drift * math.sqrt(self.periods))
