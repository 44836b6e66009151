"""The serial chain with capacities and profits that was published with or-gym."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sb3_ecom.core.checks import (
    MOST_MONEY,
    check_choice,
    check_fields,
    check_finite_fields,
    check_number,
    check_whole,
)
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
        check_finite_fields(self)
        check_demand(self.demand, self.demand_mean)
        check_whole("periods", self.periods, 1, 1000)
        check_choice("unmet", self.unmet, ("backlog", "lost"))
        check_number("discount", self.discount, low=1e-3, high=1)
        stages = len(self.lead_times)
        check_whole("len(lead_times)", stages, 1, 10, "stages")
        sizes = {"start_stock": 0, "capacities": 0, "holding_costs": 0}
        sizes |= {"prices": 1, "replenishment_costs": 1, "backlog_costs": 1}
        for name, extra in sizes.items():
            values = getattr(self, name)
            if len(values) != stages + extra:
                expected = f"{stages + extra} values (of {stages} lead_times)"
                raise ValueError(f"{name} must hold {expected}, got {len(values)}")
            check_fields(self, name, low=0, high=MOST_MONEY)
        check_fields(self, "lead_times", low=1, high=50, unit="periods")
        # What piles up at most must fit into the observation.
        most = max(self.start_stock) + self.periods * max(*self.capacities, 2 * self.demand_mean)
        names = "start_stock + periods x the larger of capacities and twice demand_mean"
        check_number(names, most, high=10**6, unit="units")

    def pmf(self) -> Pmf:
        """Return P(demand of one period = k)."""
        return demand_pmf(self.demand, self.demand_mean)

    @property
    def stages(self) -> int:
        """Number of stages that hold stock."""
        return len(self.lead_times)
