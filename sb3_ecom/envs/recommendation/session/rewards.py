"""Named reward terms of a page."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome

TERMS = ("clicks", "purchases", "margin", "returns")


def reward_terms(outcome: PageOutcome) -> dict[str, Array]:
    """Return term -> (n,).

    ``clicks`` and ``purchases`` count; ``margin`` is the margin of what was bought and ``returns`` the
    (negative) cost of what was sent back, both in currency units: their sum is the profit of the page.
    """
    return {
        "clicks": outcome.clicked,
        "purchases": outcome.bought,
        "margin": outcome.margin,
        "returns": -outcome.return_cost,
    }
