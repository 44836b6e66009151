"""One item from one supplier: lost sales or backlog, with or without a fixed order cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sb3_ecom.core.checks import MOST_MONEY, check_choice, check_fields, check_finite_fields, check_whole
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
class SingleItemParams:
    """One item, one supplier; unmet demand is lost or waits."""

    demand: str = "poisson"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 5.0  # units/period
    lead_time: int = 4  # periods; an order placed now can serve the demand `lead_time` periods ahead
    penalty: float = 4.0  # cost/unit lost, or cost/unit/period of backlog
    holding_cost: float = 1.0  # cost/unit/period, on stock left over
    fixed_cost: float = 0.0  # cost/order line
    unmet: Literal["lost", "backlog"] = "lost"
    max_order: int | None = None  # units/order; None: `default_max_order`
    horizon: int = 100  # periods until truncation

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_demand(self.demand, self.demand_mean)
        check_whole("lead_time", self.lead_time, 0, 20, "periods")
        check_fields(self, "penalty", low=1e-6, high=MOST_MONEY, unit="cost/unit")
        check_fields(self, "holding_cost", low=1e-6, high=MOST_MONEY, unit="cost/unit/period")
        check_fields(self, "fixed_cost", low=0, high=MOST_MONEY, unit="cost/order")
        check_choice("unmet", self.unmet, ("lost", "backlog"))
        check_whole("horizon", self.horizon, 1, MOST_PERIODS, "periods")
        if self.max_order is not None:
            check_whole("max_order", self.max_order, 1, 10**7, "units")
        names = "max_order, fixed_cost, penalty, holding_cost, demand_mean"
        check_position(self.position_limit, self.demand_mean, names)

    def pmf(self, periods: int = 1) -> Pmf:
        """Return P(demand of `periods` periods = k)."""
        return demand_pmf(self.demand, self.demand_mean, periods)

    @property
    def service_level(self) -> float:
        """Newsvendor ratio p / (p + h)."""
        return self.penalty / (self.penalty + self.holding_cost)

    @property
    def batch(self) -> int:
        """Economic order quantity, units (0 without a fixed order cost)."""
        ratio = 2 * self.fixed_cost * self.demand_mean / self.holding_cost / self.service_level
        return math.ceil(math.sqrt(ratio))

    @cached_property
    def order_limit(self) -> int:
        """Largest order, units: `max_order`, or a demand exceeded once in 10,000 periods plus a batch."""
        if self.max_order is not None:
            return self.max_order
        return fractile(self.pmf(), 1 - 1e-4) + self.batch

    @cached_property
    def position_limit(self) -> int:
        """Stock plus pipeline beyond which orders are cut, units; far above any optimal position."""
        mean, sd = mean_and_sd(self.demand, self.demand_mean)
        periods = self.lead_time + 1
        return math.ceil(mean * periods + 5 * sd * math.sqrt(periods)) + self.order_limit
