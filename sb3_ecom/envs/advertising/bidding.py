"""Base of the tasks in which one campaign bids through a day: EcomAds and EcomAdsAuto."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.task import Task


class BiddingTask(Task):
    """A day of auctions that ends by the clock, and the report that an advertiser gets of every tick.

    Outcomes hold `spend`, `wins`, `auctions`, `used` and `pace_error`, (n,) each, beside what is their own.
    """

    step_info_keys: ClassVar[tuple[str, ...]] = (
        *("spend", "value", "cpa", "roi", "win_rate", "budget_use", "pacing_error"),
    )

    @abstractmethod
    def value_cpa_roi(self, outcome: Any) -> tuple[Array, Array, Array]:
        """Return value, CPA and ROI of the report, (n,) each."""

    def terminated(self, outcome: Any) -> Array:
        """Return False: days end by the clock."""
        return outcome.spend < 0.0

    def counters(self, outcome: Any, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return everything of the outcome."""
        counted: dict[str, Array] = outcome._asdict()
        return counted

    def step_info(self, outcome: Any) -> dict[str, Array]:
        """Return spend, value, CPA, ROI and win rate; budget use and pacing error are those so far."""
        xp = array_namespace(outcome.wins)
        value, cpa, roi = self.value_cpa_roi(outcome)
        return {
            "spend": outcome.spend,
            "value": value,
            "cpa": cpa,
            "roi": roi,
            "win_rate": outcome.wins / xp.clip(outcome.auctions, 1.0, None),
            "budget_use": outcome.used,
            "pacing_error": outcome.pace_error,
        }
