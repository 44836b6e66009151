"""Reward terms of a page: what each pays for an outcome, and in expectation before chance decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome


class PageCases(NamedTuple):
    """The K + 1 cases of a page, each (n, K + 1): a click on each slot, and last none."""

    clicked: Array  # 1, and 0 in the last case
    buy: Array  # probability that what was clicked is bought
    send_back: Array  # probability that what was bought comes back
    margin: Array  # currency units, if bought
    return_cost: Array  # currency units, if sent back


class RewardTerm(NamedTuple):
    """A named part of the reward.

    Attributes:
        name: as in `reward_weights`.
        realised: outcome -> (n,).
        expected: cases -> (n, K + 1), in expectation over purchase and return given the case.
    """

    name: str
    realised: Callable[[PageOutcome], Array]
    expected: Callable[[PageCases], Array]


#: ``clicks`` and ``purchases`` count; ``margin`` is the margin of what was bought and ``returns`` the
#: (negative) #: cost of what was sent back, both in currency units: their sum is the profit of the page.
REWARDS = (
    RewardTerm("clicks", lambda outcome: outcome.clicked, lambda case: case.clicked),
    RewardTerm("purchases", lambda outcome: outcome.bought, lambda case: case.buy),
    RewardTerm("margin", lambda outcome: outcome.margin, lambda case: case.buy * case.margin),
    RewardTerm(
        "returns",
        lambda outcome: -outcome.return_cost,
        lambda case: -case.buy * case.send_back * case.return_cost,
    ),
)
TERMS = tuple(term.name for term in REWARDS)


def reward_terms(outcome: PageOutcome, terms: Iterable[RewardTerm] = REWARDS) -> dict[str, Array]:
    """Return term -> (n,)."""
    return {term.name: term.realised(outcome) for term in terms}


def expected_reward(
    cases: PageCases, weights: Mapping[str, float], terms: Iterable[RewardTerm] = REWARDS
) -> Array:
    """Return the (n, K + 1) expected reward of each case: every term that the task declares, weighted."""
    total = np.zeros_like(cases.clicked)
    for term in terms:
        weight = weights.get(term.name, 0.0)
        if weight:
            total = total + weight * term.expected(cases)
    return total
