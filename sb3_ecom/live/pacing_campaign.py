"""A campaign of EcomAds-v0."""

from __future__ import annotations

import math

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_number
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import build_landscape, build_tables
from sb3_ecom.envs.advertising.pacing.tracker import Opening, Report, Tracked
from sb3_ecom.live.campaign import ROUNDING, Campaign, Market, Seen
from sb3_ecom.live.tick_report import TickReport

_PER_MILLE = 1000.0  # a price of the preset is one of 1000 impressions


class PacingCampaign(Campaign):
    """Budget and prices in the currency of the preset's prices, which are those of 1000 impressions."""

    traffic_column = 2

    def __init__(self, task: PacingTask, budget: float, auctions_per_day: float | None = None) -> None:
        params, whole = task.params, task.day_cost / _PER_MILLE
        market = Market(
            auctions=np.exp(np.asarray(task.tables.public.traffic, np.float64)),
            per_day=params.auctions_per_tick * params.ticks,
            budgets=(params.budget_low * whole, params.budget_high * whole),
            budgets_are=f"{params.budget_low:g} to {params.budget_high:g} of what all auctions of a mean day "
            "cost",
        )
        self._task = task
        super().__init__(market, budget, auctions_per_day)
        self._highest_value = float(np.exp(build_tables(params).log_value.max()))

    @property
    def micros(self) -> float:
        """Micros of the simulator that a unit of money is."""
        return float(_PER_MILLE * MICROS / (self.scale * self._task.params.price_median))

    def opening(self, multiplier: float) -> Opening:
        """Return the event that opens the day, after a day that ended at `multiplier`.

        Raises:
            ValueError: if the multiplier is out of range.
        """
        limit = math.exp(MAX_LOG_MULTIPLIER)
        check_number("multiplier", multiplier, low=1 / limit, high=limit)
        budget = np.array([round(self.budget * self.micros)], np.int64)
        return Opening(budget, np.array([math.log(multiplier)], np.float32))

    def mean_bid(self, multiplier: float) -> float:
        """Return the bid for an impression of mean predicted value, money per 1000 impressions."""
        return float(multiplier * self._task.params.price_median)

    def see(self, report: TickReport, tick: int, tracked: Tracked, decision: Array) -> Seen:
        """Return a report in the simulator's units; see `Campaign.see`."""
        params = self._task.params
        self._check_units(report, tick, float(decision[0]))
        spent, left, notes = self.pay(report, tick, tracked)
        value = report.value
        if value is None:
            landscape = build_landscape(params)
            rate = report.wins / max(report.impressions, 1.0)
            value = float(np.interp(rate, landscape.wins, landscape.value)) * report.impressions
            if report.wins:
                notes.append("the report holds no value: estimated from the win rate")
        event = Report(
            auctions=self.count(report.impressions),
            wins=self.count(report.wins),
            spend=np.array([spent], np.int64).astype(np.float32) * (params.price_median / MICROS),
            value=self.count(value),
            conversions=self.count(report.conversions),
            left=np.array([left], np.int64),
        )
        return Seen(event, (*notes,))

    def _check_units(self, report: TickReport, tick: int, log_multiplier: float) -> None:
        self.check_impressions(report, tick)
        median = self._task.params.price_median / _PER_MILLE
        highest = math.exp(log_multiplier) * self._highest_value * median * report.wins
        self.check_spend(report, tick, highest, median)
        if report.value is not None:
            top = self._highest_value * report.wins * (1 + ROUNDING)
            check_number(f"value of tick {tick}", report.value, high=top, unit="(wins at the highest value)")
