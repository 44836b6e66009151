"""One warehouse that supplies N retailers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from sb3_ecom.core.checks import (
    MOST_MONEY,
    check_choice,
    check_fields,
    check_finite_fields,
    check_number,
    check_whole,
)
from sb3_ecom.envs.inventory.demand import (
    MOST_PERIODS,
    Pmf,
    check_demand,
    demand_pmf,
    fractile,
    mean_and_sd,
)


@dataclass(frozen=True, kw_only=True)
class DistributionParams:
    """A warehouse, its retailers, and an outside supplier that never runs out."""

    retailers: int = 3  # how many
    demand: str = "poisson"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 5.0  # units/period of the average retailer
    demand_spread: float = 0.5  # the retailers' means run evenly from 1 - spread to 1 + spread times the mean
    warehouse_lead_time: int = 2  # periods; an order placed now can be shipped on that many periods ahead
    retailer_lead_time: int = 2  # periods; a shipment serves the demand that many periods ahead
    warehouse_holding: float = 0.5  # cost/unit/period, on stock that stays in the warehouse
    retailer_holding: float = 1.0  # cost/unit/period, on stock left over
    penalty: float = 9.0  # cost/unit/period of backlog, or cost/unit lost
    unmet: Literal["backlog", "lost"] = "backlog"  # what happens to demand at an empty retailer
    horizon: int = 100  # periods until truncation

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_whole("retailers", self.retailers, 1, 100, "retailers")
        check_number("demand_spread", self.demand_spread, low=0, below=1)
        check_demand(self.demand, self.demand_mean)
        for mean in self.means:
            check_demand(self.demand, mean, "each retailer's mean (demand_mean, demand_spread, retailers)")
        check_whole("warehouse_lead_time", self.warehouse_lead_time, 1, 20, "periods")
        check_whole("retailer_lead_time", self.retailer_lead_time, 1, 20, "periods")
        holding = ("warehouse_holding", "retailer_holding")
        check_fields(self, *holding, low=1e-6, high=MOST_MONEY, unit="cost/unit/period")
        check_fields(self, "penalty", low=1e-6, high=MOST_MONEY, unit="cost/unit")
        check_choice("unmet", self.unmet, ("backlog", "lost"))
        check_whole("horizon", self.horizon, 1, MOST_PERIODS, "periods")

    @cached_property
    def means(self) -> tuple[float, ...]:
        """Mean demand of each retailer, units/period, smallest first."""
        factors = np.linspace(1 - self.demand_spread, 1 + self.demand_spread, self.retailers)
        return tuple((self.demand_mean * (factors if self.retailers > 1 else np.ones(1))).tolist())

    @property
    def total_mean(self) -> float:
        """Mean demand of all retailers together, units/period."""
        return self.demand_mean * self.retailers

    def pmfs(self, periods: int = 1) -> list[Pmf]:
        """Return P(demand of `periods` periods = k) of each retailer."""
        return [demand_pmf(self.demand, mean, periods) for mean in self.means]

    def total_pmf(self, periods: int) -> Pmf:
        """Return P(demand of all retailers over `periods` periods = k)."""
        total: Pmf = np.array([1.0])
        for pmf in self.pmfs(periods):
            total = np.convolve(total, pmf)
        return total

    @cached_property
    def shipment_limits(self) -> tuple[int, ...]:
        """Largest shipment to each retailer, units: what it sells in two periods all but once in 10,000."""
        return tuple(fractile(pmf, 1 - 1e-4) for pmf in self.pmfs(2))

    @cached_property
    def order_limit(self) -> int:
        """Largest order of the warehouse, units: what all sell in two periods all but once in 10,000."""
        return fractile(self.total_pmf(2), 1 - 1e-4)

    @cached_property
    def retailer_limits(self) -> tuple[int, ...]:
        """Units at and under way to each retailer beyond which shipments are cut; far above any optimum."""
        periods = self.retailer_lead_time + 1
        return tuple(_far_above(self.demand, mean, periods) for mean in self.means)

    @cached_property
    def position_limit(self) -> int:
        """Units in the whole system beyond which the warehouse's orders are cut; far above any optimum."""
        periods = self.warehouse_lead_time + self.retailer_lead_time + 1
        return sum(_far_above(self.demand, mean, periods) for mean in self.means)


def _far_above(law: str, mean: float, periods: int) -> int:
    """Return the mean demand of some periods and five standard deviations, units."""
    sd = mean_and_sd(law, mean)[1]
    return math.ceil(mean * periods + 5 * sd * math.sqrt(periods))
