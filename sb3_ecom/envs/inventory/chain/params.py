"""The serial chain with capacities and profits that was published with or-gym."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sb3_ecom.core.checks import check_at_least, check_choice, check_number, check_whole
from sb3_ecom.envs.inventory.demand import Pmf, check_demand, demand_pmf


@dataclass(frozen=True, kw_only=True)
class ChainParams:
    """A retailer (index 0), its suppliers in a line, and a last supplier that never runs out."""

    demand: str = "poisson"  # law of one period's demand: poisson, geometric, uniform on 0..2*mean
    demand_mean: float = 20.0  # units/period
    periods: int = 30  # length of an episode
    start_stock: tuple[int, ...] = (100, 100, 200)  # units on hand at the start, stage by stage
    capacities: tuple[int, ...] = (100, 90, 80)  # units/period that the supplier of each stage can send
    lead_times: tuple[int, ...] = (3, 5, 10)  # periods from order to receipt at each stage
    prices: tuple[float, ...] = (2.0, 1.5, 1.0, 0.75)  # money/unit sold by each stage, last supplier included
    replenishment_costs: tuple[float, ...] = (1.5, 1.0, 0.75, 0.5)  # money/unit bought
    backlog_costs: tuple[float, ...] = (0.10, 0.075, 0.05, 0.025)  # money/unit not served/period
    holding_costs: tuple[float, ...] = (0.15, 0.10, 0.05)  # money/unit/period, on stock at the end
    discount: float = 0.97  # per period
    unmet: Literal["backlog", "lost"] = "backlog"  # what happens to units not served, at every stage

    def __post_init__(self) -> None:
        check_demand(self.demand, self.demand_mean)
        check_whole("periods", self.periods, 1)
        check_choice("unmet", self.unmet, ("backlog", "lost"))
        check_number("discount", self.discount, above=0, high=1)
        stages = len(self.lead_times)
        check_whole("len(lead_times)", stages, 1, 10, "stages")
        sizes = {"start_stock": 0, "capacities": 0, "holding_costs": 0}
        sizes |= {"prices": 1, "replenishment_costs": 1, "backlog_costs": 1}
        for name, extra in sizes.items():
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if len(values) != stages + extra:
                raise ValueError(f"{name} must hold {stages + extra} values, got {len(values)}")
            for value in values:
                check_at_least(name, value, 0)
        object.__setattr__(self, "lead_times", tuple(self.lead_times))
        for lead_time in self.lead_times:
            check_whole("lead_times", lead_time, 1, 50, "periods")

    def pmf(self) -> Pmf:
        """Return P(demand of one period = k)."""
        return demand_pmf(self.demand, self.demand_mean)

    @property
    def stages(self) -> int:
        """Number of stages that hold stock."""
        return len(self.lead_times)
