"""One day of a campaign: a bid for every tick, a report of every tick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.live.campaign import Campaign
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.tick_report import TickReport


@dataclass(frozen=True, kw_only=True)
class Bid:
    """What to bid in one tick.

    Attributes:
        multiplier: of EcomAds, 1 bids the median price for an impression of mean predicted value; of
            EcomAdsAuto, 1 bids what its predicted conversions are worth on target.
        cpm: bid for an impression of mean predicted value, money per 1000 impressions; an impression of
            value v is worth v times as much.
        tick: of the day, from 0.
        policy: name and version of what decided.
        reason: what was assumed, or why the policy did not decide; None where nothing was.
        slots: multiplier of each slot, where the policy bids for every one; `multiplier` and `cpm` are then
            those of the first.
    """

    multiplier: float
    cpm: float
    tick: int
    policy: str
    reason: str | None = None
    slots: tuple[float, ...] | None = None


class Day:
    """One day of a campaign: a bid for every tick, a report of every tick."""

    def __init__(self, policy: DeployedPolicy, campaign: Campaign, opened: dict[str, Any]) -> None:
        self._campaign, self._opened = campaign, opened
        self._policy, self._name = policy.fresh(), policy.manifest.policy
        self._tracker, self._tables = policy.task.tracker, policy.task.tables.public
        self._tracked = self._tracker.open(campaign.opening(opened["multiplier"]), self._tables)
        self._pending: list[Array] = []  # log multipliers of ticks without a report, oldest first
        self._shown = False  # whether the policy saw the present observation
        self._watching = True  # whether a rule is shown what it has not seen
        self._calls: list[list[Any]] = []

    @property
    def tick(self) -> int:
        """Tick of the next bid."""
        return self._reported + len(self._pending)

    @property
    def left(self) -> float:
        """Money left, as far as reports tell."""
        share = int(self._tracked.left[0]) / max(int(self._tracked.budget[0]), 1)
        return share * self._campaign.budget

    def bid(self, report: TickReport | None = None) -> Bid:
        """Take note of a report and return the bid of the next tick.

        Without the report of a tick that has passed, the multiplier stays where it is. Ticks that were left
        out before a report are taken to have gone as the reported one did, at the mean traffic of their hour.
        The bid's `reason` says so.

        Args:
            report: of the last tick; None at the start of the day, or where none has come.

        Raises:
            ValueError: after the last tick of the day, or as `note`.
        """
        if self.tick >= self._campaign.ticks:
            raise ValueError(f"the day is over: it has {self._campaign.ticks} ticks, and all were bid for")
        notes = [] if report is None else self._note(report)
        decision = self._decide() if not self._pending else self._pending[-1]
        if self._pending:
            missing = ", ".join(str(self._reported + k) for k in range(len(self._pending)))
            notes.append(f"no report of tick {missing}: the multiplier is held")
        notes += self._campaign.doubts(self._tracked)
        if not int(self._tracked.left[0]):
            notes.append("the budget is spent")
        return self._give(decision, report, notes)

    def note(self, report: TickReport) -> list[str]:
        """Take note of a late report without a bid; return what had to be assumed.

        Raises:
            ValueError: if the tick was reported before or not bid for yet, the units of the report can not be
                right, or more than the budget and a tenth was spent.
        """
        found = self._note(report)
        self._calls.append([report.to_record(self._reported - 1), None])
        return found

    def to_record(self) -> dict[str, Any]:
        """Return the day so far as JSON takes it; `Bidder.restore` reads it."""
        return {
            "opened": dict(self._opened),
            "policy": self._name,
            "rule": rule_name(self._policy),
            "memory": self._policy.adapter.memory(),
            "calls": [*self._calls],
        }

    @property
    def _reported(self) -> int:
        return int(self._tracked.tick[0])

    def _note(self, report: TickReport) -> list[str]:
        """Take note of a report, and of the ticks left out before it; nothing changes on an error."""
        tick = self._tick_of(report)
        missing = list(range(self._reported, tick))
        tracked = self._tracked
        passed: list[Any] = []
        notes: list[str] = []
        for each in [*missing, tick]:
            left = int(tracked.left[0])
            said = report if each == tick else self._campaign.like(report, tick, each, left)
            decision = self._pending[len(passed)]
            seen = self._campaign.see(said, each, tracked, decision)
            passed.append(tracked)
            tracked = self._tracker.note(tracked, decision, seen.event, self._tables)
            notes = list(seen.notes)
        for earlier in passed[int(self._shown) :]:  # a rule with a memory must not miss a tick
            self._show(earlier)
        self._tracked, self._shown = tracked, False
        del self._pending[: len(passed)]
        if missing:
            notes.append(f"no report of tick {', '.join(map(str, missing))}: counted as tick {tick} was")
        return notes

    def _show(self, tracked: Any) -> None:
        if self._watching:
            self._policy.adapter.inputs(self._tracker.observe(tracked, self._tables))

    def _tick_of(self, report: TickReport) -> int:
        first, last, day = self._reported, self.tick - 1, self._opened["day"]
        if isinstance(report.time, datetime) and day not in (None, report.time.date().isoformat()):
            raise ValueError(f"time of a report must be on {day}, got {report.time}")
        tick = report.tick_of(self._campaign.ticks)
        if not self._pending:
            raise ValueError(
                f"a report must follow a bid, got one of tick {tick} before the bid of {self.tick}"
            )
        if tick is None:
            if len(self._pending) > 1:
                raise ValueError(f"the report must name its tick, in [{first}, {last}]: several had none")
            return last
        if not first <= tick <= last:
            what = "was reported already" if tick < first else "was not bid for yet"
            raise ValueError(f"tick must be in [{first}, {last}], got {tick}, which {what}")
        return tick

    def _decide(self) -> Array:
        action = self._policy.act(self._tracker.observe(self._tracked, self._tables))
        self._shown = True
        return np.asarray(self._tracker.decode(self._tracked, action, self._tables))

    def _give(self, decision: Array, report: TickReport | None, notes: list[str]) -> Bid:
        tick = self.tick
        said = None if report is None else report.to_record(self._reported - 1)
        log_multipliers = [float(each) for each in decision.ravel()]
        self._calls.append([said, log_multipliers])
        self._pending.append(decision)
        multiplier, *others = (math.exp(each) for each in log_multipliers)
        return Bid(
            multiplier=multiplier,
            cpm=self._campaign.mean_bid(multiplier),
            slots=(multiplier, *others) if others else None,
            tick=tick,
            policy=self._name,
            reason="; ".join([*self._campaign.notes, *notes]) or None,
        )

    def replay(self, calls: list[list[Any]], memory: dict[str, Any] | None) -> None:
        """Take note of the reports again, and of the bids as they were made.

        A rule without a memory of its own is shown all that it saw before.
        """
        self._watching = memory is None
        for said, log_multipliers in calls:
            report = None if said is None else TickReport.from_record(said)
            if report is not None:
                self._note(report)
            if log_multipliers is None:
                self._calls.append([said, None])
                continue
            if not self._pending:
                self._show(self._tracked)
                self._shown = True
            decision = np.asarray(log_multipliers, np.float32).reshape(self._campaign.decision_shape)
            self._give(decision, report, [])
        self._watching = True
        if memory:
            self._policy.adapter.recall(memory)


def rule_name(policy: DeployedPolicy) -> str | None:
    """Return the name of the rule that a policy shifts, or None."""
    rule = policy.manifest.rule
    return None if rule is None else str(rule["rule"])
