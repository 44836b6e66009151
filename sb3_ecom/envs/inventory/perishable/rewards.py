"""Costs of one period of an item that spoils."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome


class Costs(NamedTuple):
    """Costs of a period by reward term, (n,) each."""

    ordering: Array
    holding: Array
    penalty: Array
    waste: Array

    @property
    def total(self) -> Array:
        """Cost of the period, (n,)."""
        return self.ordering + self.holding + self.penalty + self.waste


TERMS = Costs._fields


def costs(outcome: Outcome, prices: Any) -> Costs:
    """Return the costs of a period.

    `prices` has the fields order_cost, holding_cost, penalty and waste_cost: the public tables (arrays, which
    NumPy multiplies faster) or `PerishableParams` (numbers).
    """
    return Costs(
        outcome.order * prices.order_cost,
        outcome.kept * prices.holding_cost,
        outcome.lost * prices.penalty,
        outcome.wasted * prices.waste_cost,
    )


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the negative costs, (n,) each."""
    ordering, holding, penalty, waste = costs(outcome, prices)
    return {"ordering": -ordering, "holding": -holding, "penalty": -penalty, "waste": -waste}
