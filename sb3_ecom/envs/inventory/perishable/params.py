"""One item that spoils."""

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
class PerishableParams:
    """One item with a fixed shelf life, one supplier; unmet demand is lost."""

    demand: str = "poisson"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 4.0  # units/period
    shelf_life: int = 2  # periods in which a unit can be sold, the one of its arrival included
    lead_time: int = 2  # periods; an order placed now can serve the demand `lead_time` periods ahead
    issuing: Literal["fifo", "lifo"] = "fifo"  # which age customers take first: oldest or newest
    order_cost: float = 3.0  # cost/unit ordered
    holding_cost: float = 1.0  # cost/unit/period, on stock kept for the next period
    penalty: float = 20.0  # cost/unit of demand lost
    waste_cost: float = 7.0  # cost/unit that spoils
    max_order: int | None = None  # units/order; None: the demand exceeded once in 1,000 periods
    horizon: int = 100  # periods until truncation

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_demand(self.demand, self.demand_mean)
        check_whole("shelf_life", self.shelf_life, 2, 5, "periods")
        check_whole("lead_time", self.lead_time, 1, 10, "periods")
        check_choice("issuing", self.issuing, ("fifo", "lifo"))
        check_fields(self, "order_cost", "waste_cost", low=0, high=MOST_MONEY, unit="cost/unit")
        check_fields(self, "holding_cost", low=1e-6, high=MOST_MONEY, unit="cost/unit/period")
        penalty = {"above": self.order_cost, "high": MOST_MONEY, "unit": "cost/unit (order_cost)"}
        check_fields(self, "penalty", **penalty)
        check_whole("horizon", self.horizon, 1, MOST_PERIODS, "periods")
        if self.max_order is not None:
            check_whole("max_order", self.max_order, 1, 10**7, "units")
        check_position(self.position_limit, self.demand_mean, "max_order, demand_mean")

    def pmf(self, periods: int = 1) -> Pmf:
        """Return P(demand of `periods` periods = k)."""
        return demand_pmf(self.demand, self.demand_mean, periods)

    @property
    def service_level(self) -> float:
        """Newsvendor ratio of a unit that sells at once: (p - c) / (p - c + h)."""
        margin = self.penalty - self.order_cost
        return margin / (margin + self.holding_cost)

    @cached_property
    def order_limit(self) -> int:
        """Largest order, units."""
        return fractile(self.pmf(), 1 - 1e-3) if self.max_order is None else self.max_order

    @cached_property
    def position_limit(self) -> int:
        """Stock plus pipeline beyond which orders are cut, units; far above any optimal position."""
        mean, sd = mean_and_sd(self.demand, self.demand_mean)
        periods = self.lead_time + self.shelf_life
        return math.ceil(mean * periods + 5 * sd * math.sqrt(periods)) + self.order_limit
