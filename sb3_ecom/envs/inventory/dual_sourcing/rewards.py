"""Costs of one period with two suppliers."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Outcome


class Costs(NamedTuple):
    """Costs of a period by reward term, (n,) each."""

    regular: Array
    express: Array
    holding: Array
    penalty: Array

    @property
    def total(self) -> Array:
        """Cost of the period, (n,)."""
        return self.regular + self.express + self.holding + self.penalty


TERMS = Costs._fields


def costs(outcome: Outcome, prices: Any) -> Costs:
    """Return the costs of a period; units may be expected ones.

    `prices` has the fields regular_cost, express_cost, holding_cost and penalty: the public tables (arrays,
    which NumPy multiplies faster) or `DualSourcingParams` (numbers).
    """
    return Costs(
        outcome.regular * prices.regular_cost,
        outcome.express * prices.express_cost,
        outcome.left * prices.holding_cost,
        outcome.waiting * prices.penalty,
    )


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs, (n,) each."""
    regular, express, holding, penalty = costs(outcome, prices)
    return {"regular": -regular, "express": -express, "holding": -holding, "penalty": -penalty}
