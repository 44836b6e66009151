"""A serial supply chain with backlog at the retailer."""

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
class SerialParams:
    """2-4 stages in a line (1 allowed); index 0 is the retailer, the outside supplier never runs out."""

    demand: str = "poisson"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 5.0  # units/period
    echelon_holding: tuple[float, ...] = (3.0, 2.0, 2.0)  # cost/unit of echelon stock/period
    lead_times: tuple[int, ...] = (1, 1, 2)  # periods; 1: shipped now serves the demand of this period
    penalty: float = 37.12  # cost/unit/period of backlog at the retailer
    max_order: int | None = None  # units/order and stage; None: the demand exceeded once in 10,000 periods
    horizon: int = 100  # periods until truncation

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_demand(self.demand, self.demand_mean)
        check_whole("len(lead_times)", len(self.lead_times), 1, 4, "stages")
        if len(self.echelon_holding) != len(self.lead_times):
            raise ValueError(
                f"echelon_holding must hold one cost per stage ({len(self.lead_times)} lead_times), "
                f"got {len(self.echelon_holding)}"
            )
        check_fields(self, "lead_times", low=1, high=20, unit="periods")
        check_fields(self, "echelon_holding", "penalty", low=1e-6, high=MOST_MONEY, unit="cost/unit/period")
        check_whole("horizon", self.horizon, 1, MOST_PERIODS, "periods")
        if self.max_order is not None:
            check_whole("max_order", self.max_order, 1, 10**7, "units")
        check_position(max(self.position_limits), self.demand_mean, "max_order, demand_mean")

    def pmf(self, periods: int = 1) -> Pmf:
        """Return P(demand of `periods` periods = k)."""
        return demand_pmf(self.demand, self.demand_mean, periods)

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.lead_times)

    @property
    def local_holding(self) -> tuple[float, ...]:
        """Cost per unit and period at each stage: the sum of the echelon costs from here upstream."""
        return tuple(sum(self.echelon_holding[j:]) for j in range(self.stages))

    @cached_property
    def order_limit(self) -> int:
        """Largest order of a stage, units."""
        return fractile(self.pmf(), 1 - 1e-4) if self.max_order is None else self.max_order

    @cached_property
    def position_limits(self) -> tuple[int, ...]:
        """Echelon position of each stage beyond which its orders are cut, units; far above any optimum."""
        mean, sd = mean_and_sd(self.demand, self.demand_mean)
        ahead = [sum(self.lead_times[: j + 1]) for j in range(self.stages)]
        return tuple(math.ceil(mean * k + 5 * sd * math.sqrt(k)) + self.order_limit for k in ahead)
