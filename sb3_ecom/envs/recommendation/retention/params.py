"""A customer's month: what he clicks, what he remembers, and when he returns."""

from __future__ import annotations

from dataclasses import dataclass

from sb3_ecom.core.checks import check_fields, check_finite_fields


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
        check_finite_fields(self)
        check_fields(self, "days", low=2, high=100_000)
        check_fields(self, "candidates", low=1, high=1000)
        check_fields(self, "slate_size", low=1, high=self.candidates, unit="(candidates)")
        check_fields(self, "memory", low=0, high=1)
        check_fields(self, "relevance", "bait", "pleasure", "regret", "margin", low=0, high=100)
        check_fields(self, "click_base", "boredom", "start", low=-100, high=100)
        check_fields(self, "return_base", "return_satisfaction", low=-100, high=100)
