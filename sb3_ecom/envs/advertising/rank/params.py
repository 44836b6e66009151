"""Parameters of a platform: visitors, advertisers and slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sb3_ecom.core.checks import (
    check_above,
    check_choice,
    check_fields,
    check_finite_fields,
    check_number,
    check_whole,
)

Pricing = Literal["gsp", "vcg"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "market": {},
    # Nobody responds and nothing moves: the auction alone, which Myerson solved.
    "static": {
        "pricing": "vcg",
        "level_sd": 0.0,
        "annoyance": 0.0,
        "leave": 0.0,
        "touchiness": 0.0,
        "exit_rate": 0.0,
        "active_low": 1.0,
        "present_low": 1.0,
        "prediction_sd": 0.0,
    },
}


@dataclass(frozen=True, kw_only=True)
class RankParams:
    """A platform's day is a sample of visitors; each sees one page with a few ad slots."""

    pricing: Pricing = "gsp"  # per click: the bid needed to keep the slot ("gsp"), or the externality ("vcg")
    days: int = 60  # decisions
    visitors: int = 32  # at most on one day, when all users are active
    ads: int = 4  # advertisers that fit a visitor's page, > slots
    exposure: tuple[float, ...] = (1.0, 0.7, 0.5)  # chance that a slot is looked at, falling
    value_sd: float = 0.8  # sd of log value of a click between advertisers
    level_sd: float = 0.8  # stationary sd of the log value level of the day
    level_ar: float = 0.95  # its correlation from day to day
    click_rate: float = 0.08  # median click rate of an ad that is looked at
    click_sd: float = 0.69  # sd of its log between ads (Upworthy: .69 between tests)
    value_correlation: float = -0.3  # of log value and log click rate, in (-1, 1)
    prediction_sd: float = 0.4  # sd of log true over predicted click rate
    leave: float = 0.04  # chance that a visitor goes for long after a page whose ads are as expected
    annoyance: float = 1.5  # how steeply log leaving rises as a page's ads get worse
    touchiness: float = 0.8  # +- on the relevance that users expect, in a hidden two-state chain
    switch: float = 0.08  # chance per day that this chain changes state
    comeback: float = 0.04  # chance per day that a user who left returns
    outside: float = 0.35  # share of the value at stake that half of all advertisers find enough
    choosiness: float = 8.0  # slope of advertisers' log odds of taking part in that share
    exit_rate: float = 0.08  # pace per day at which taking part moves there
    learn: float = 0.1  # pace per day at which advertisers learn to bid no more than needed (gsp)
    turnover: float = 0.03  # share of advertisers per day replaced by ones who have not learnt
    active_low: float = 0.5  # least share of users active on the first day
    present_low: float = 0.5  # least share of advertisers taking part on the first day

    def __post_init__(self) -> None:
        check_choice("pricing", self.pricing, ("gsp", "vcg"))
        check_finite_fields(self)
        check_fields(self, "days", low=2, high=100_000)
        check_fields(self, "visitors", low=1, high=10_000)
        check_fields(self, "ads", low=1, high=10_000)
        check_number("visitors x ads", self.visitors * self.ads, high=10**6)
        check_fields(self, "click_rate", low=1e-6, high=1)
        check_fields(self, "value_sd", "level_sd", "click_sd", "prediction_sd", low=0, high=3)
        check_fields(self, "annoyance", "touchiness", low=0, high=10)
        check_fields(self, "choosiness", low=0, high=100)
        shares = (
            "leave",
            "switch",
            "comeback",
            "exit_rate",
            "learn",
            "turnover",
            "active_low",
            "present_low",
        )
        check_fields(self, *shares, "outside", low=0, high=1)
        check_fields(self, "level_ar", "value_correlation", above=-1, below=1)
        self._check_slots()

    def _check_slots(self) -> None:
        exposure = self.exposure
        check_whole("len(exposure)", self.slots, 1, 20, "slots")
        check_fields(self, "exposure", low=1e-3, high=1)
        if any(later > before for before, later in pairwise(exposure)):
            raise ValueError(f"exposure must not rise from slot to slot, got {exposure}")
        check_above("ads", self.ads, self.slots, "(slots of exposure)")

    @property
    def slots(self) -> int:
        """Ad slots per page."""
        return len(self.exposure)
