"""The report that a demand-side platform (DSP) or an ads account gives of one tick of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from datetime import time as clock_time
from typing import Any

from sb3_ecom.core.checks import check_number, check_whole


@dataclass(frozen=True, kw_only=True)
class TickReport:
    """What was offered, won, paid and brought in one tick.

    Attributes:
        impressions: auctions that were offered to the campaign, won or not.
        wins: impressions that it won and paid.
        spend: money paid, in the currency of the day's budget.
        clicks: on what it won; checked, but no policy reads them.
        conversions: that arrived in the tick, of this tick's wins or earlier ones.
        value: predicted value of all wins (of those that were seen, where a slot may go unseen), where an
            average impression on offer has the value 1; None: it is estimated from the win rate.
        offered_value: predicted value of all impressions, won or not; only EcomAdsAuto's policies read it.
            None: each is taken to have the value 1.
        tick: which one of the day, from 0; None: the tick of the last bid.
        time: any moment within the tick, in place of its number.

    Raises:
        ValueError: on a number that is negative or not finite, more wins than impressions, more clicks than
            wins, spend or value without a win, or both a tick and a time.
    """

    impressions: float
    wins: float
    spend: float
    clicks: float = 0.0
    conversions: float = 0.0
    value: float | None = None
    offered_value: float | None = None
    tick: int | None = None
    time: datetime | clock_time | None = None

    def __post_init__(self) -> None:
        for name in ("impressions", "wins", "spend", "clicks", "conversions"):
            check_number(name, getattr(self, name), low=0)
        check_number("wins", self.wins, high=self.impressions, unit="(impressions)")
        check_number("clicks", self.clicks, high=self.wins, unit="(wins)")
        for name in ("value", "offered_value"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), low=0)
        if self.offered_value is not None and not self.impressions and self.offered_value:
            raise ValueError(f"offered_value must be 0 without impressions, got {self.offered_value}")
        for name in ("spend", "value"):
            if not self.wins and getattr(self, name):
                raise ValueError(f"{name} must be 0 where nothing was won, got {getattr(self, name)}")
        if self.tick is not None:
            check_whole("tick", self.tick, 0)
            if self.time is not None:
                raise ValueError(f"tick or time must be given, got both: {self.tick} and {self.time}")

    def tick_of(self, ticks: int) -> int | None:
        """Return the tick's number in a day of `ticks`; None where the report does not say it."""
        if self.time is None:
            return self.tick
        seconds = self.time.hour * 3600 + self.time.minute * 60 + self.time.second
        return seconds * ticks // 86_400

    def scaled(self, tick: int, *, offered: float, bought: float) -> TickReport:
        """Return a report of another tick: impressions times `offered`, the rest times `bought`, no more."""
        return TickReport(
            impressions=self.impressions * offered,
            wins=self.wins * bought,
            spend=self.spend * bought,
            conversions=self.conversions * bought,
            value=None if self.value is None else self.value * bought,
            offered_value=None if self.offered_value is None else self.offered_value * offered,
            tick=tick,
        )

    def to_record(self, tick: int) -> dict[str, Any]:
        """Return the report as JSON takes it, under the tick's number."""
        return {**asdict(self), "tick": tick, "time": None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> TickReport:
        """Read a JSON object; keys are the attributes.

        Raises:
            ValueError: on an unknown or missing key, or as the class.
        """
        known = [each.name for each in fields(cls)]
        values = dict(record)
        missing = {"impressions", "wins", "spend"} - set(values)
        if missing or set(values) - set(known):
            raise ValueError(f"a report must hold {', '.join(known)} (the first three always), got {values}")
        text = values.get("time")
        if isinstance(text, str):
            whole = "T" in text or " " in text
            values["time"] = datetime.fromisoformat(text) if whole else clock_time.fromisoformat(text)
        return cls(**values)
