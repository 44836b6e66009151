"""One item, a cheap slow supplier and a dear one that delivers at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from sb3_ecom.core.checks import MOST_MONEY, check_fields, check_finite_fields, check_whole
from sb3_ecom.envs.inventory.demand import (
    MOST_PERIODS,
    Pmf,
    check_demand,
    check_position,
    demand_pmf,
    fractile,
    mean_and_sd,
)


@dataclass(frozen=True, kw_only=True)
class DualSourcingParams:
    """One item, two suppliers; unmet demand waits."""

    demand: str = "uniform"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 2.0  # units/period
    regular_lead_time: int = 2  # periods; the express supplier delivers before the demand of the same period
    regular_cost: float = 100.0  # cost/unit
    express_cost: float = 105.0  # cost/unit
    holding_cost: float = 5.0  # cost/unit/period, on stock left over
    penalty: float = 495.0  # cost/unit/period of backlog
    max_order: int | None = None  # units/order and supplier; None: demand of two periods, once in 10,000
    horizon: int = 100  # periods until truncation

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_demand(self.demand, self.demand_mean)
        check_whole("regular_lead_time", self.regular_lead_time, 1, 20, "periods")
        check_fields(self, "regular_cost", low=0, high=MOST_MONEY, unit="cost/unit")
        express = {"low": self.regular_cost, "high": MOST_MONEY, "unit": "cost/unit (regular_cost)"}
        check_fields(self, "express_cost", **express)
        check_fields(self, "holding_cost", "penalty", low=1e-6, high=MOST_MONEY, unit="cost/unit/period")
        check_whole("horizon", self.horizon, 1, MOST_PERIODS, "periods")
        if self.max_order is not None:
            check_whole("max_order", self.max_order, 1, 10**7, "units")
        check_position(self.position_limit, self.demand_mean, "max_order, demand_mean")

    def pmf(self, periods: int = 1) -> Pmf:
        """Return P(demand of `periods` periods = k)."""
        return demand_pmf(self.demand, self.demand_mean, periods)

    @cached_property
    def order_limit(self) -> int:
        """Largest order at either supplier, units."""
        return fractile(self.pmf(2), 1 - 1e-4) if self.max_order is None else self.max_order

    @cached_property
    def position_limit(self) -> int:
        """Stock plus pipeline beyond which orders are cut, units; far above any optimal position."""
        mean, sd = mean_and_sd(self.demand, self.demand_mean)
        periods = self.regular_lead_time + 1
        return math.ceil(mean * periods + 5 * sd * math.sqrt(periods)) + self.order_limit
