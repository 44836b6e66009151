"""Bidder: a trained policy bids through a campaign's day on the reports of an ads platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sb3_ecom.envs.advertising.auto_bidding.env import AutoTask
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.live.auto_campaign import AutoCampaign
from sb3_ecom.live.bidding_day import Bid, Day, rule_name
from sb3_ecom.live.campaign import Campaign
from sb3_ecom.live.day_sales import as_date
from sb3_ecom.live.forms import refusal
from sb3_ecom.live.pacing_campaign import PacingCampaign
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.tick_report import TickReport

__all__ = ["Bid", "Bidder", "Day", "TickReport"]


class Bidder:
    """Opens days of campaigns of EcomAds-v0 or EcomAdsAuto-v0; all of them share one loaded policy.

    Money is in the currency of the preset. Prices of EcomAds are those of 1000 impressions; budgets and spend
    are plain sums. The simulated day stands for one of any size: `open` takes how many auctions a mean day
    offers, and counts and money are divided by their number over the simulated. A multiplier needs no
    conversion.

    Args:
        policy: exported folder, loaded.

    Raises:
        ValueError: if the policy is of another id.
    """

    def __init__(self, policy: DeployedPolicy) -> None:
        task = policy.task
        if not isinstance(task, PacingTask | AutoTask):
            raise refusal("Bidder", policy.manifest.env_id)
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
        target: float | None = None,
        auctions_per_day: float | None = None,
        multiplier: float = 1.0,
    ) -> Day:
        """Open a campaign's day.

        Args:
            budget: of the day, in the currency of the preset's prices.
            day: date, which reports with a time are checked against.
            target: money per conversion; EcomAdsAuto-v0 needs it, EcomAds-v0 has none.
            auctions_per_day: auctions that a mean day offers the campaign. The simulator's market is smaller
                than most: reports and budget are scaled to it. None: as many as in the simulator where the
                budget is one of the training's. Any other budget is taken to be a middle one in a market of
                its own size: the bids' `reason` says which size that is, and whether the reports contradict
                it.
            multiplier: of the last tick of the day before.

        Raises:
            ValueError: on a number out of bounds, a budget far from those of the training for
                `auctions_per_day`, or a target that is missing or of no use.
        """
        campaign = self._campaign(budget, target, auctions_per_day)
        label = None if day is None else as_date(day, "day").isoformat()
        return Day(
            self.deployed,
            campaign,
            {
                "day": label,
                "budget": budget,
                "target": target,
                "auctions_per_day": auctions_per_day,
                "multiplier": multiplier,
            },
        )

    def _campaign(self, budget: float, target: float | None, auctions_per_day: float | None) -> Campaign:
        if isinstance(self.task, AutoTask):
            if target is None:
                raise ValueError("target must be given: this policy of EcomAdsAuto-v0 bids by a target cost")
            return AutoCampaign(self.task, budget, target, auctions_per_day)
        if target is not None:
            raise ValueError(f"target must be left out: this policy of EcomAds-v0 has none, got {target}")
        return PacingCampaign(self.task, budget, auctions_per_day)

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
