"""A customer's month: what he clicks, what he remembers, and when he returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sb3_ecom.envs.recommendation.bounds import check_finite, check_within


@dataclass(frozen=True, kw_only=True)
class RetentionParams:
    """Candidates have two features and a share of bait; all numbers are assumed.

    A click has the logit base + relevance x (features . intent) + bait x (the item's bait); what was clicked
    gives the experience pleasure x (features . intent) - regret x (the item's bait).
    """

    days: int = 30
    candidates: int = 20  # M a visit
    slate_size: int = 5  # K
    click_base: float = -1.5  # logits
    relevance: float = 0.8  # logits per unit of features . intent
    bait: float = 1.0  # logits per unit of bait
    pleasure: float = 0.8  # per unit of features . intent of what is clicked
    regret: float = 1.0  # per unit of bait of what is clicked
    boredom: float = 0.3  # regret of a page without a click
    memory: float = 0.7  # share of the satisfaction that a visit leaves
    start: float = 0.3  # satisfaction of a new customer
    return_base: float = -0.5  # logit of coming on a given day
    return_satisfaction: float = 1.5  # logits per unit of satisfaction
    margin: float = 0.2  # earned by a click on bait above 0, per unit of bait

    def __post_init__(self) -> None:
        check_finite(self)
        check_within(self, 2, math.inf, "days")
        check_within(self, 1, 1000, "candidates")
        check_within(self, 1, self.candidates, "slate_size")
        check_within(self, 0, 1, "memory")
        check_within(self, 0, math.inf, "relevance", "bait", "pleasure", "regret", "margin")
