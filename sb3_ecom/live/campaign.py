"""A campaign in the advertiser's own money and counts: what the live forms of the bidding tasks share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_number
from sb3_ecom.live.tick_report import TickReport

_FAR = 4.0  # factor beyond the budgets of the training at which a budget is refused
_BUSY = 20.0  # mean auctions of a tick at which a report is refused
_OVERSHOOT = 0.1  # of the budget, by which platforms overspend now and then
_CHEAP = 1e-3  # of the median price; a mean price below it is refused
_MANY = 30  # wins of the simulator from which a mean price says something
_SLACK = 100  # micros that rounded reports may add up to
_TOLD = 4  # reports from which an assumed number of auctions is held against what they tell
_OFF = math.log(2)  # log factor between the two at which it is said
ROUNDING = 1e-4


class Seen(NamedTuple):
    """A report as the tracker takes it, and what had to be assumed for it."""

    event: Any
    notes: tuple[str, ...]


class Market(NamedTuple):
    """A mean day of the simulator, and the budgets of the training."""

    auctions: NDArray[np.float64]  # (ticks + 1,) that a tick offers, in impressions; the last repeats
    per_day: float  # of all ticks
    budgets: tuple[float, float]  # lowest and highest, in the user's currency
    budgets_are: str  # what these limits mean, for messages


class Campaign(ABC):
    """Converts budgets and reports of one campaign to the units of the simulated market.

    The policy knows a market of some size. A campaign that is offered `auctions_per_day` auctions on a mean
    day is the same market `scale` times over: its counts and its money are divided by `scale`.

    Args:
        market: of the simulator.
        budget: of the day, in the currency of the preset.
        auctions_per_day: auctions that a mean day offers the campaign; None: as many as in the simulator
            where the budget is one of the training's; else as many as make it a middle one, which `notes`
            say.

    Attributes:
        ticks: of a day.
        budget: of the day.
        scale: real over simulated counts and money.
        notes: what was assumed, to be said with every bid.

    Raises:
        ValueError: on a number that is not > 0, or a budget far from those of the training.
    """

    #: Place of log(auctions over a mean day's) among the features of the tracker's history.
    traffic_column: ClassVar[int]
    decision_shape: tuple[int, ...] = (1,)  # of the tracker
    bundle: int = 1  # impressions that an auction of the simulator sells

    def __init__(self, market: Market, budget: float, auctions_per_day: float | None) -> None:
        check_above("budget", budget, 0)
        if auctions_per_day is not None:
            check_above("auctions_per_day", auctions_per_day, 0)
        self.ticks, self.budget, self._market = len(market.auctions) - 1, budget, market
        simulated = market.per_day
        low, high = market.budgets
        self._assumed = auctions_per_day is None and not self._fits(budget, low, high)
        if self._assumed:
            self.scale = budget / ((low + high) / 2)
            self.notes: tuple[str, ...] = (
                f"auctions_per_day is not given: taken as {self.scale * simulated:,.0f}, at which this "
                "budget is a middle one of the training's",
            )
        else:
            self.scale = 1.0 if auctions_per_day is None else auctions_per_day / simulated
            self.notes = self._check_budget(low * self.scale, high * self.scale)

    def _fits(self, budget: float, low: float, high: float) -> bool:
        return low <= budget * (1 + ROUNDING) and budget <= high * (1 + ROUNDING)

    def _check_budget(self, low: float, high: float) -> tuple[str, ...]:
        if self._fits(self.budget, low, high):
            return ()
        said = f"budget must be in [{low:.6g}, {high:.6g}], {self._market.budgets_are}, got {self.budget:.6g}"
        if not low / _FAR <= self.budget <= high * _FAR:
            raise ValueError(said)
        return (f"trained on other budgets: {said}",)

    @property
    @abstractmethod
    def micros(self) -> float:
        """Micros of the simulator that a unit of money is."""

    @abstractmethod
    def opening(self, multiplier: float) -> Any:
        """Return the event that opens the day, after a day that ended at `multiplier`.

        Raises:
            ValueError: if the multiplier is out of range.
        """

    @abstractmethod
    def mean_bid(self, multiplier: float) -> float:
        """Return the bid for an impression of mean predicted value, money per 1000 impressions."""

    @abstractmethod
    def see(self, report: TickReport, tick: int, tracked: Any, decision: Array) -> Seen:
        """Return a report in the simulator's units.

        Args:
            report: of `tick`.
            tick: its number.
            tracked: before the report.
            decision: log multipliers of the tick.

        Raises:
            ValueError: if units can not be right, or far more than the budget was spent.
        """

    def doubts(self, tracked: Any) -> list[str]:
        """Return what the reports so far say against an assumed number of auctions."""
        known = tracked.history[0, :, 0] > 0
        if not self._assumed or int(known.sum()) < _TOLD:
            return []
        factor = float(tracked.history[0, known, self.traffic_column].mean())
        if abs(factor) < _OFF:
            return []
        told = self.scale * self._market.per_day * math.exp(factor)
        return [f"the reports tell of {told:,.3g} auctions a mean day: open with auctions_per_day={told:.3g}"]

    def like(self, report: TickReport, known: int, tick: int, left: int) -> TickReport:
        """Return a report for a tick without one: as the `known` tick's, at the traffic of its own hour.

        It spends no more than the `left` micros less what the known report spent.
        """
        factor = float(self._market.auctions[tick] / self._market.auctions[known])
        spend = min(report.spend * factor, max(left / self.micros - report.spend, 0.0))
        bought = spend / report.spend if report.spend else factor
        return report.scaled(tick, offered=factor, bought=bought)

    def pay(self, report: TickReport, tick: int, tracked: Any) -> tuple[int, int, list[str]]:
        """Return the micros spent in a tick, those left after it, and what is to be said.

        Raises:
            ValueError: if more than the budget and a tenth was spent.
        """
        spent, notes = round(report.spend * self.micros), []
        left, budget = int(tracked.left[0]) - spent, int(tracked.budget[0])
        if left < -_OVERSHOOT * budget:
            raise ValueError(
                f"spend of the day must be <= {self.budget:.6g} (its budget), got "
                f"{(budget - left) / self.micros:.6g} with tick {tick}"
            )
        if left < -_SLACK:
            notes.append(f"overspent by {-left / self.micros:.6g}: counted as nothing left")
        return spent, max(left, 0), notes

    def count(self, number: float) -> Array:
        """Return a number of the campaign's in the simulator's units, (1,) float32."""
        return np.array([number / self.scale], np.float32)

    def check_impressions(self, report: TickReport, tick: int) -> None:
        """Raise ValueError if a tick offered far more than a mean day's."""
        mean = float(self._market.auctions[tick]) * self.scale
        check_number(
            f"impressions of tick {tick}",
            report.impressions,
            high=_BUSY * mean,
            unit=f"({_BUSY:g} times a mean day's; see auctions_per_day)",
        )

    def check_spend(self, report: TickReport, tick: int, highest: float, median: float) -> None:
        """Raise ValueError if a tick cost more than its wins can have cost, or next to nothing.

        Args:
            report: of `tick`.
            tick: its number.
            highest: money for all its wins at the highest bid.
            median: price of an impression.
        """
        check_number(
            f"spend of tick {tick}",
            report.spend,
            high=highest * (1 + ROUNDING) + 1 / self.micros,
            unit=f"({report.wins:g} wins at the highest bid; is it in the currency of the preset's prices?)",
        )
        if report.wins >= _MANY * self.bundle * self.scale and report.spend < _CHEAP * median * report.wins:
            raise ValueError(
                f"spend of tick {tick} must be >= {_CHEAP * median * report.wins:.6g} ({report.wins:g} wins "
                f"at a thousandth of the median price), got {report.spend:.6g}: which unit is it in?"
            )
