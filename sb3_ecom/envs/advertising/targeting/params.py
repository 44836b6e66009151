"""Parameters of a visit: creatives, click rates, and how ads wear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import LARGEST_SEED, check_fields, check_finite_fields, check_whole

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    # Upworthy's randomised tests of headlines: 4.66 arms, mean click rate of an arm .0159, its log sd .235
    # within a test (also in "default") and .69 between tests, here between interests. The price falls with
    # the click rate. Assumed: the price, wear, leaving and types.
    "upworthy": {"click_rate": 0.0159, "interest_sd": 0.69, "price": 0.00318},
}


@dataclass(frozen=True, kw_only=True)
class TargetParams:
    """A visit of many pages; the visitor's type is hidden."""

    creatives: int = 5  # K
    types: int = 6  # hidden interests
    pages: int = 60  # most pages of a visit
    budget: int = 20  # most impressions for one visitor
    click_rate: float = 0.1  # median over creatives and types, without fatigue
    creative_sd: float = 0.235  # sd of the log click rate between creatives
    interest_sd: float = 0.9  # sd of the log click rate between types, per creative
    fatigue_levels: int = 4  # a creative's fatigue is 0 .. levels - 1
    wear: float = 0.35  # loss of log click rate per level of fatigue
    leave: float = 0.01  # chance that the visitor leaves after a page
    annoyance: float = 0.012  # extra chance per level of fatigue, summed over creatives
    price: float = 0.02  # of an impression, in clicks
    table_seed: int = 7  # of the click rates: a market is drawn once

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "creatives", low=1, high=12)
        check_fields(self, "types", low=1, high=1000)
        check_fields(self, "budget", low=1, high=10_000)
        check_fields(self, "pages", low=2, high=10_000)
        check_fields(self, "fatigue_levels", low=2, high=4096)
        # The exact oracle has a state for each.
        check_whole("fatigue_levels ** creatives", self.fatigue_levels**self.creatives, 1, 4096)
        check_fields(self, "creative_sd", "interest_sd", low=0, high=5)
        check_fields(self, "wear", low=0, high=100)
        check_fields(self, "annoyance", "leave", low=0, high=1)
        check_fields(self, "price", low=0, high=1000)
        check_fields(self, "click_rate", low=1e-9, high=1)
        check_fields(self, "table_seed", low=0, high=LARGEST_SEED)

    def click_rates(self) -> NDArray[np.float64]:
        """Return the (types, K) click rates without fatigue, at most .9."""
        generator = np.random.default_rng(self.table_seed)
        quality = generator.normal(0.0, 1.0, self.creatives) * self.creative_sd
        interest = generator.normal(0.0, 1.0, (self.types, self.creatives)) * self.interest_sd
        return np.asarray(np.minimum(self.click_rate * np.exp(quality + interest), 0.9))
