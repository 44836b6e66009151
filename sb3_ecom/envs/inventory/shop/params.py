"""A web shop's warehouse: fitted demand, assumed costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sb3_ecom.core.checks import (
    MOST_STEPS,
    check_fields,
    check_finite_fields,
    check_kind,
    check_whole,
)
from sb3_ecom.envs.inventory.shop.demand_params import YEAR, ShopDemand


@dataclass(frozen=True, kw_only=True)
class ShopParams:
    """One warehouse, N items, one supplier; unmet demand is lost. Only `demand` is fitted."""

    demand: ShopDemand
    margin: float = 0.40  # share of the price
    penalty: float = 0.25  # of the margin, per unit lost: goodwill beyond the margin itself
    holding_rate: float = 0.01  # of the purchase price, per unit and day
    line_cost: float = 0.5  # days of an average item's margin, per order line
    overflow_rate: float = 0.5  # of the purchase price, per unit that found no room
    capacity_days: float = 14.0  # storage, in days of the mean demand of all items
    lead_time_mean: float = 5.0  # days
    lead_time_shape: float = 1.97  # gamma shape, fitted to shipments (inv_scms_leadtimes)
    max_lead_time: int = 14  # days; longer draws are cut
    history: int = 14  # days that the observation shows
    horizon: int = 182  # days until truncation
    # Options, all off by default; none is fitted.
    promotions_a_year: float = 0.0  # per item
    promotion_days: int = 7  # length
    promotion_notice: int = 14  # days from announcement to start
    promotion_uplift: float = 2.2  # mean factor of demand
    promotion_spread: float = 0.4  # standard deviation of the uplift's logarithm
    substitution: float = 0.0  # share of customers who take the neighbouring item where the shelf is empty
    dispatch_days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)  # weekdays on which orders leave, 0 = Monday
    truck_cost: float = 0.0  # days of the shop's mean margin, per truck
    truck_days: float = 5.0  # volume of a truck, in days of the mean demand of all items

    def __post_init__(self) -> None:
        check_kind("demand", self.demand, ShopDemand)
        check_finite_fields(self)
        check_whole("num_items", self.demand.items, 1, 2000, "items at once")
        check_fields(self, "margin", low=1e-3, below=1)
        check_fields(self, "penalty", "holding_rate", "line_cost", "overflow_rate", low=0, high=1000)
        check_fields(self, "capacity_days", low=0.01, high=1000, unit="days")
        check_fields(self, "lead_time_shape", low=0.01, high=1000)
        check_fields(self, "lead_time_mean", low=1, high=60, unit="days")
        check_whole("max_lead_time", self.max_lead_time, 3, 60, "days")
        check_whole("history", self.history, 1, 90, "days")
        check_whole("horizon", self.horizon, 1, MOST_STEPS, "days")
        self._check_options()

    def _check_options(self) -> None:
        check_fields(self, "promotions_a_year", low=0, high=YEAR)
        check_fields(self, "promotion_uplift", low=0, high=100)
        check_fields(self, "promotion_spread", low=0, high=3)
        check_fields(self, "truck_cost", low=0, high=1000)
        check_whole("promotion_days", self.promotion_days, 1, 60, "days")
        check_whole("promotion_notice", self.promotion_notice, 0, 60, "days")
        if not 0 <= self.promotion_rate <= 1:
            raise ValueError(
                f"promotions_a_year must leave days between promotions, got {self.promotions_a_year} of "
                f"{self.promotion_notice + self.promotion_days} days"
            )
        check_fields(self, "substitution", low=0, high=1)
        check_fields(self, "truck_days", low=1e-3, high=1000, unit="days")
        days = tuple(sorted(set(self.dispatch_days)))
        object.__setattr__(self, "dispatch_days", days)
        if not days:
            raise ValueError("dispatch_days must name at least one weekday, got none")
        for day in days:
            check_whole("dispatch_days", day, 0, 6)

    @cached_property
    def promotion_rate(self) -> float:
        """Chance per day that a promotion of an item is announced, where none is known; > 1: impossible."""
        if not self.promotions_a_year:
            return 0.0
        idle = YEAR / self.promotions_a_year - self.promotion_notice - self.promotion_days
        return 1 / idle if idle > 0 else float("inf")

    def days_to_cover(self, weekday: int) -> int:
        """Return the days that an order placed on `weekday` must last: until the next one could be there."""
        gap = next(ahead for ahead in range(1, 8) if (weekday + ahead) % 7 in self.dispatch_days)
        return round(self.lead_time_mean) + gap

    @cached_property
    def span(self) -> int:
        """Most days that an order must last, in the mean."""
        return max(self.days_to_cover(day) for day in self.dispatch_days)

    @cached_property
    def capacity(self) -> float:
        """Units that the storage holds."""
        return self.capacity_days * sum(self.demand.mean)

    @cached_property
    def truck_units(self) -> float:
        """Units that a truck holds."""
        return self.truck_days * sum(self.demand.mean)
