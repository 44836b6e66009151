"""Bidder: a trained policy of EcomAds-v0 paces a campaign's day on the reports of an ads platform."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.live.campaign import PacingCampaign
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.tick_report import TickReport

__all__ = ["Bid", "Bidder", "Day", "TickReport"]


@dataclass(frozen=True, kw_only=True)
class Bid:
    """What to bid in one tick.

    Attributes:
        multiplier: 1 bids the median price for an impression of mean predicted value.
        cpm: bid for an impression of mean predicted value, money per 1000 impressions; an impression of
            value v is worth v times as much.
        tick: of the day, from 0.
        policy: name and version of what decided.
        reason: what was assumed, or why the policy did not decide; None where nothing was.
    """

    multiplier: float
    cpm: float
    tick: int
    policy: str
    reason: str | None = None


class Bidder:
    """Opens days of campaigns; all of them share one loaded policy.

    Args:
        policy: exported folder, loaded.

    Raises:
        ValueError: if the policy is of another id than EcomAds-v0.
    """

    def __init__(self, policy: DeployedPolicy) -> None:
        task = policy.task
        if not isinstance(task, PacingTask):
            raise ValueError(f"a bidder needs a policy of EcomAds-v0, got one of {policy.manifest.env_id}")
        self.deployed, self.task = policy, task
        self.policy = policy.manifest.policy

    @classmethod
    def load(cls, folder: str | Path) -> Bidder:
        """Load an exported folder.

        Raises:
            ValueError: if the folder is no export, or one of another task.
        """
        return cls(DeployedPolicy(folder))

    @property
    def ticks(self) -> int:
        """Ticks of a day."""
        return self.task.horizon

    def open(
        self,
        budget: float,
        day: date | str | None = None,
        *,
        auctions_per_day: float | None = None,
        multiplier: float = 1.0,
    ) -> Day:
        """Open a campaign's day.

        Args:
            budget: of the day, in the currency of the preset's prices.
            day: date, kept as a label.
            auctions_per_day: auctions that a mean day offers the campaign. The simulator's market is smaller
                than most: reports and budget are scaled to it. None: as many as in the simulator.
            multiplier: of the last tick of the day before.

        Raises:
            ValueError: on a number out of bounds, or a budget far from those of the training.
        """
        campaign = PacingCampaign(self.task, budget, auctions_per_day)
        label = day.isoformat() if isinstance(day, date) else day
        return Day(
            self,
            campaign,
            {
                "day": label,
                "budget": budget,
                "auctions_per_day": auctions_per_day,
                "multiplier": multiplier,
            },
        )

    def restore(self, record: Mapping[str, Any]) -> Day:
        """Return the day that `Day.to_record` wrote, at the tick where it stood.

        A policy other than the one that wrote it goes on from the bids that were made.

        Raises:
            ValueError: if the record is none of a day.
        """
        try:
            day = self.open(**record["opened"])
            day._replay(record["calls"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"record must be one of Day.to_record, got {record}: {error!r}") from error
        return day


class Day:
    """One day of a campaign: a bid for every tick, a report of every tick."""

    def __init__(self, bidder: Bidder, campaign: PacingCampaign, opened: dict[str, Any]) -> None:
        self._bidder, self._campaign, self._opened = bidder, campaign, opened
        self._policy = bidder.deployed.fresh()
        self._tracker, self._tables = bidder.task.tracker, bidder.task.tables.public
        self._tracked = self._tracker.open(campaign.opening(opened["multiplier"]), self._tables)
        self._pending: list[Array] = []  # log multipliers of ticks without a report, oldest first
        self._shown = False  # whether the policy saw the present observation
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
        return {"opened": dict(self._opened), "policy": self._bidder.policy, "calls": [*self._calls]}

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
            self._policy.adapter.inputs(self._tracker.observe(earlier, self._tables))
        self._tracked, self._shown = tracked, False
        del self._pending[: len(passed)]
        if missing:
            notes.append(f"no report of tick {', '.join(map(str, missing))}: counted as tick {tick} was")
        return notes

    def _tick_of(self, report: TickReport) -> int:
        first, last = self._reported, self.tick - 1
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
        self._calls.append([said, float(decision[0])])
        self._pending.append(decision)
        multiplier = math.exp(float(decision[0]))
        return Bid(
            multiplier=multiplier,
            cpm=self._campaign.mean_bid(multiplier),
            tick=tick,
            policy=self._bidder.policy,
            reason="; ".join([*self._campaign.notes, *notes]) or None,
        )

    def _replay(self, calls: list[list[Any]]) -> None:
        """Take note of the reports again, and of the bids as they were made."""
        for said, log_multiplier in calls:
            report = None if said is None else TickReport.from_record(said)
            if log_multiplier is None:
                self.note(TickReport.from_record(said))
                continue
            if report is not None:
                self._note(report)
            if not self._pending:
                self._policy.adapter.inputs(self._tracker.observe(self._tracked, self._tables))
                self._shown = True
            self._give(np.array([log_multiplier], np.float32), report, [])
