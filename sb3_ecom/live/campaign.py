"""A campaign of EcomAds-v0 in the advertiser's own money and counts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_number
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import build_landscape, build_tables
from sb3_ecom.envs.advertising.pacing.tracker import Opening, Report, Tracked
from sb3_ecom.live.tick_report import TickReport

_PER_MILLE = 1000.0  # a price of the preset is one of 1000 impressions
_FAR = 4.0  # factor beyond the budgets of the training at which a budget is refused
_BUSY = 20.0  # mean auctions of a tick at which a report is refused
_CHEAP = 1e-3  # of the median price; a mean price below it is refused
_OVERSHOOT = 0.1  # of the budget, by which platforms overspend now and then
_ROUNDING = 1e-4
_SLACK = 100  # micros that rounded reports may add up to


class Seen(NamedTuple):
    """A report as the tracker takes it, and what had to be assumed for it."""

    event: Report
    notes: tuple[str, ...]


class PacingCampaign:
    """Converts budgets and reports of one campaign to the units of the simulated market.

    The policy knows a market of a few hundred auctions a tick, at the preset's prices of 1000 impressions.
    A campaign that is offered `auctions_per_day` auctions on a mean day is the same market `scale` times
    over: its counts and its money are divided by `scale` = auctions_per_day / auctions of the simulated day.

    Args:
        task: whose policy bids.
        budget: of the day, in the currency of the preset's prices.
        auctions_per_day: auctions that a mean day offers the campaign; None: as many as in the simulator.

    Raises:
        ValueError: on a number that is not > 0, or a budget far from those of the training.
    """

    def __init__(self, task: PacingTask, budget: float, auctions_per_day: float | None = None) -> None:
        check_above("budget", budget, 0)
        params = task.params
        simulated = params.auctions_per_tick * params.ticks
        if auctions_per_day is not None:
            check_above("auctions_per_day", auctions_per_day, 0)
        self.ticks, self._task = params.ticks, task
        self.scale = 1.0 if auctions_per_day is None else auctions_per_day / simulated
        self._micros = _PER_MILLE * MICROS / (self.scale * params.price_median)  # of the simulator, per money
        self.budget = budget
        self.notes = self._check_budget(auctions_per_day is None, simulated)
        self._highest_value = float(np.exp(build_tables(params).log_value.max()))

    def _check_budget(self, assumed: bool, simulated: float) -> tuple[str, ...]:
        params = self._task.params
        whole = self._task.day_cost * self.scale / _PER_MILLE
        share, low, high = self.budget / whole, params.budget_low, params.budget_high
        if low <= share * (1 + _ROUNDING) and share <= high * (1 + _ROUNDING):
            return ()
        said = (
            f"budget must be in [{low * whole:.6g}, {high * whole:.6g}], {low:g} to {high:g} of what all "
            f"auctions of a mean day cost, got {self.budget:.6g}"
        )
        if not low / _FAR <= share <= high * _FAR:
            hint = f"; the day is taken to offer {simulated:g} auctions: is auctions_per_day missing?"
            raise ValueError(said + (hint if assumed else ""))
        return (f"trained on other budgets: {said}",)

    def opening(self, multiplier: float) -> Opening:
        """Return the event that opens the day, after a day that ended at `multiplier`.

        Raises:
            ValueError: if the multiplier is out of range.
        """
        limit = math.exp(MAX_LOG_MULTIPLIER)
        check_number("multiplier", multiplier, low=1 / limit, high=limit)
        budget = np.array([round(self.budget * self._micros)], np.int64)
        return Opening(budget, np.array([math.log(multiplier)], np.float32))

    def mean_bid(self, multiplier: float) -> float:
        """Return the bid for an impression of mean predicted value, money per 1000 impressions."""
        return float(multiplier * self._task.params.price_median)

    def see(self, report: TickReport, tick: int, tracked: Tracked, decision: Array) -> Seen:
        """Return a report in the simulator's units.

        Args:
            report: of `tick`.
            tick: its number.
            tracked: before the report.
            decision: (1,) log multiplier of the tick.

        Raises:
            ValueError: if units can not be right, or far more than the budget was spent.
        """
        params, notes = self._task.params, []
        self._check_units(report, tick, float(decision[0]))
        spent = round(report.spend * self._micros)
        left = int(tracked.left[0]) - spent
        budget = int(tracked.budget[0])
        if left < -_OVERSHOOT * budget:
            raise ValueError(
                f"spend of the day must be <= {self.budget:.6g} (its budget), got "
                f"{(budget - left) / self._micros:.6g} with tick {tick}"
            )
        if left < -_SLACK:
            notes.append(f"overspent by {-left / self._micros:.6g}: counted as nothing left")
        left = max(left, 0)
        value = report.value
        if value is None:
            landscape = build_landscape(params)
            rate = report.wins / max(report.impressions, 1.0)
            value = float(np.interp(rate, landscape.wins, landscape.value)) * report.impressions
            if report.wins:
                notes.append("the report holds no value: estimated from the win rate")
        spend = np.array([spent], np.int64).astype(np.float32) * (params.price_median / MICROS)
        event = Report(
            auctions=self._count(report.impressions),
            wins=self._count(report.wins),
            spend=spend,
            value=self._count(value),
            conversions=self._count(report.conversions),
            left=np.array([left], np.int64),
        )
        return Seen(event, (*notes,))

    def like(self, report: TickReport, known: int, tick: int, left: int) -> TickReport:
        """Return a report for a tick without one: as the `known` tick's, at the traffic of its own hour.

        It spends no more than the `left` micros less what the known report spent.
        """
        traffic = self._task.tables.public.traffic
        factor = math.exp(float(traffic[tick]) - float(traffic[known]))
        spend = min(report.spend * factor, max(left / self._micros - report.spend, 0.0))
        bought = spend / report.spend if report.spend else factor
        return report.scaled(tick, offered=factor, bought=bought)

    def _count(self, count: float) -> Array:
        return np.array([count / self.scale], np.float32)

    def _check_units(self, report: TickReport, tick: int, log_multiplier: float) -> None:
        params = self._task.params
        mean = math.exp(float(self._task.tables.public.traffic[tick])) * self.scale
        check_number(
            f"impressions of tick {tick}",
            report.impressions,
            high=_BUSY * mean,
            unit=f"({_BUSY:g} times a mean day's; see auctions_per_day)",
        )
        median = params.price_median / _PER_MILLE
        highest = math.exp(log_multiplier) * self._highest_value * median * report.wins
        check_number(
            f"spend of tick {tick}",
            report.spend,
            high=highest * (1 + _ROUNDING) + 1 / self._micros,
            unit=f"({report.wins:g} wins at the highest bid; is it in the currency of the preset's prices?)",
        )
        if report.value is not None:
            top = self._highest_value * report.wins * (1 + _ROUNDING)
            check_number(f"value of tick {tick}", report.value, high=top, unit="(wins at the highest value)")
        if report.wins >= 30 * self.scale and report.spend < _CHEAP * median * report.wins:
            raise ValueError(
                f"spend of tick {tick} must be >= {_CHEAP * median * report.wins:.6g} ({report.wins:g} wins "
                f"at a thousandth of the median price), got {report.spend:.6g}: which unit is it in?"
            )
