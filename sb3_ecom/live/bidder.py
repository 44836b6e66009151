"""Bidder: a trained policy of EcomAds-v0 paces a campaign's day on the reports of an ads platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.live.bidding_day import Bid, Day, rule_name
from sb3_ecom.live.campaign import PacingCampaign
from sb3_ecom.live.day_sales import as_date
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.tick_report import TickReport

__all__ = ["Bid", "Bidder", "Day", "TickReport"]


class Bidder:
    """Opens days of campaigns; all of them share one loaded policy.

    Money is in the currency of the prices that the preset was fitted to (prices there are those of 1000
    impressions; budgets and spend here are plain sums). The simulated day has some 20,000 auctions and stands
    for one of any size: `open` takes how many auctions a mean day offers, and counts and money are divided by
    their number over the simulated. A multiplier needs no conversion: 1 bids the preset's median price for an
    impression whose predicted value is the mean.

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
            day: date, which reports with a time are checked against.
            auctions_per_day: auctions that a mean day offers the campaign. The simulator's market is smaller
                than most: reports and budget are scaled to it. None: as many as in the simulator.
            multiplier: of the last tick of the day before.

        Raises:
            ValueError: on a number out of bounds, or a budget far from those of the training.
        """
        campaign = PacingCampaign(self.task, budget, auctions_per_day)
        label = None if day is None else as_date(day, "day").isoformat()
        return Day(
            self.deployed,
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
            same_rule = record["rule"] == rule_name(self.deployed)
            day.replay(record["calls"], record["memory"] if same_rule else None)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"record must be one of Day.to_record: {type(error).__name__} {error}"
            ) from error
        return day
