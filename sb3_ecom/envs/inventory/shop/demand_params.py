"""Parameters of a web shop's demand, fitted to a log of sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_fields, check_finite_fields, check_number, check_whole

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
YEAR = 365  # days


@dataclass(frozen=True, kw_only=True)
class ShopDemand:
    """Daily demand of item i: Poisson(Gamma(k_i, rate / k_i)), rate = mean_i x weekday x season x exp(z_i).

    z_i is a hidden AR(1), normalised so that E[exp(z)] = 1.
    """

    mean: tuple[float, ...]  # units/day, averaged over the week and the year
    shape: tuple[float, ...]  # k, gamma shape of a day's rate: the smaller, the more erratic
    price: tuple[float, ...]  # money/unit
    weekday: tuple[float, ...] = (1.0,) * 7  # factor, Monday first; their mean is 1
    season: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)  # sin, cos of one and of two cycles a year, log factor
    persistence: float = 0.966  # correlation of z with itself a day later
    drift_sd: float = 0.3  # stationary standard deviation of z

    def __post_init__(self) -> None:
        check_finite_fields(self)
        if not len(self.mean) == len(self.shape) == len(self.price) >= 1:
            sizes = (len(self.mean), len(self.shape), len(self.price))
            raise ValueError(f"mean, shape and price must hold one value per item, got {sizes} values")
        check_fields(self, "mean", low=1e-4, high=1e5, unit="units/day")
        check_fields(self, "shape", low=1e-3, high=1e6)
        check_fields(self, "price", low=1e-6, high=1e9)
        if len(self.weekday) != 7 or not abs(sum(self.weekday) - 7) < 1e-3:
            raise ValueError(f"weekday must hold 7 factors with mean 1, got {self.weekday}")
        check_fields(self, "weekday", low=0, high=7)
        if len(self.season) != 4:
            raise ValueError(f"season must hold 4 coefficients, got {len(self.season)}")
        check_fields(self, "season", low=-3, high=3)
        check_number("persistence", self.persistence, low=0, below=1)
        check_number("drift_sd", self.drift_sd, low=0, high=3)

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.mean)

    def season_factors(self) -> NDArray[np.float64]:
        """Return the factor of each day of the year, (365,); their mean is 1."""
        factors: NDArray[np.float64] = np.exp(season_design(np.arange(YEAR)) @ np.array(self.season))
        return np.asarray(factors / factors.mean())

    def subset(self, items: int) -> ShopDemand:
        """Return `items` of the items, evenly spread over the order in which they are listed.

        Raises:
            ValueError: if there are fewer.
        """
        check_whole("num_items", items, 1, self.items, "items of this preset")
        rows = spread_rows(self.items, items)
        chosen: dict[str, Any] = {
            name: tuple(getattr(self, name)[row] for row in rows) for name in ("mean", "shape", "price")
        }
        shared = ("weekday", "season", "persistence", "drift_sd")
        kept: dict[str, Any] = {name: getattr(self, name) for name in shared}
        return ShopDemand(**chosen, **kept)


def spread_rows(total: int, items: int) -> NDArray[np.int64]:
    """Return `items` of `total` rows, evenly spread over their order."""
    return np.floor((np.arange(items) + 0.5) * total / items).astype(np.int64)


def drift_factor(drift: Array, demand: ShopDemand) -> Array:
    """Return the rate over the mean rate at the log rate z, of any shape; its mean is 1."""
    return array_namespace(drift).exp(drift - 0.5 * demand.drift_sd**2)


def next_drift(drift: Array, normal: Array, demand: ShopDemand) -> Array:
    """Return the log rate z a day later, a stationary AR(1), from N(0, 1) draws."""
    keep = demand.persistence
    return drift * keep + normal * (demand.drift_sd * (1 - keep * keep) ** 0.5)


def season_design(day_of_year: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sin and cos of one and of two cycles a year, (days, 4)."""
    angle = 2 * np.pi * day_of_year / YEAR
    return np.stack([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], axis=-1)
