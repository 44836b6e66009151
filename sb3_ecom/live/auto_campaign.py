"""A campaign of EcomAdsAuto-v0: a budget and a target cost per conversion."""

from __future__ import annotations

import math

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_number
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import MAX_LOG_MULTIPLIER
from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.auto_bidding.market import build_landscape, price_scale
from sb3_ecom.envs.advertising.auto_bidding.tracker import Opening, Report, Tracked
from sb3_ecom.live.campaign import ROUNDING, Campaign, Market, Seen
from sb3_ecom.live.tick_report import TickReport

_FAR = 4.0  # factor beyond the targets of the training at which a target is refused


class AutoCampaign(Campaign):
    """Budget, target and spend in the currency of the parameters that the policy was trained with.

    An auction of the simulator stands for `bundle` impressions that are sold as one; here they are counted
    one by one. A predicted value of 1 is the parameter `conversion_rate`.

    Args:
        task: whose policy bids.
        budget: of the day.
        target: money per conversion that the campaign may cost.
        auctions_per_day: impressions that a mean day offers the campaign; None: see `Campaign`.

    Raises:
        ValueError: on a number that is not > 0, or a budget or target far from those of the training.
    """

    traffic_column = 4

    def __init__(
        self, task: AutoTask, budget: float, target: float, auctions_per_day: float | None = None
    ) -> None:
        params = task.params
        self._task, self._target = task, target
        self.bundle = params.bundle
        self.decision_shape = (1, SLOTS if task.bids == "per_slot" else 1)
        impressions = params.auctions * params.bundle
        market = Market(
            auctions=np.asarray(task.tables.public.traffic, np.float64) * impressions,
            per_day=impressions,
            budgets=(params.budget_low, params.budget_high),
            budgets_are="those of the training for so many auctions",
        )
        super().__init__(market, budget, auctions_per_day)
        self.notes = (*self.notes, *self._check_target())
        self._landscape = build_landscape(params)

    def _check_target(self) -> tuple[str, ...]:
        low, high = self._task.params.target_low, self._task.params.target_high
        check_above("target", self._target, 0)
        if self._fits(self._target, low, high):
            return ()
        said = f"target must be in [{low:g}, {high:g}] money per conversion, got {self._target:g}"
        if not low / _FAR <= self._target <= high * _FAR:
            raise ValueError(said)
        return (f"trained on other targets: {said}",)

    @property
    def micros(self) -> float:
        """Micros of the simulator that a unit of money is."""
        return MICROS / self.scale

    def opening(self, multiplier: float) -> Opening:
        """Return the event that opens the day, after a day that ended at `multiplier`.

        Raises:
            ValueError: if the multiplier is out of range.
        """
        limit = math.exp(MAX_LOG_MULTIPLIER)
        check_number("multiplier", multiplier, low=1 / limit, high=limit)
        return Opening(
            np.array([round(self.budget * self.micros)], np.int64),
            np.array([self._target], np.float32),
            np.array([math.log(multiplier)], np.float32),
        )

    def mean_bid(self, multiplier: float) -> float:
        """Return the bid for an impression of mean predicted conversions, money per 1000 impressions."""
        return 1000.0 * multiplier * self._target * self._task.params.conversion_rate

    def see(self, report: TickReport, tick: int, tracked: Tracked, decision: Array) -> Seen:
        """Return a report in the simulator's units; see `Campaign.see`."""
        params = self._task.params
        self.check_impressions(report, tick)
        auctions = report.impressions / params.bundle
        value = self._value(report)
        self._check_bid(report, tick, float(decision.max()), value)
        spent, left, notes = self.pay(report, tick, tracked)
        if report.value is None and report.wins:
            notes.append("the report holds no value: estimated from the win rate")
        offered = report.offered_value
        if offered is None:
            notes.append("the report holds no offered_value: impressions are taken to be of mean value")
            offered = report.impressions
        mean = offered / report.impressions if report.impressions else 1.0
        event = Report(
            auctions=self.count(auctions),
            mean_value=np.array([mean * params.rate], np.float32),
            wins=self.count(report.wins / params.bundle),
            spend=np.array([spent], np.int64).astype(np.float32) / MICROS,
            predicted=self.count(value * params.conversion_rate),
            conversions=self.count(report.conversions),
            left=np.array([left], np.int64),
        )
        return Seen(event, (*notes,))

    def _value(self, report: TickReport) -> float:
        """Return the value of what was seen; estimated from the win rate where the report does not say it."""
        if report.value is not None:
            return report.value
        rate = report.wins / max(report.impressions, 1.0)
        return float(np.interp(rate, self._landscape.wins, self._landscape.value)) * report.impressions

    def _check_bid(self, report: TickReport, tick: int, log_multiplier: float, value: float) -> None:
        """Raise ValueError on a value or a spend that the bids of the tick can not have brought."""
        params = self._task.params
        # Levels of block and advertiser, and predictions within a tick, which no table bounds but 10 s.d. do.
        best = (1 + params.block_spread) * (1 + params.own_spread) * (1 + 10 * params.value_spread)
        top = min(best, 1 / params.conversion_rate) * report.wins
        if report.value is not None:
            check_number(
                f"value of tick {tick}", report.value, high=top * (1 + ROUNDING), unit="(wins at the best)"
            )
        # No impression costs more than was bid for it: multiplier x target x predicted conversions.
        bid = math.exp(log_multiplier) * self._target * params.conversion_rate
        highest = bid * (value if report.value is not None else top)
        self.check_spend(report, tick, highest, price_scale(params) / params.bundle)
