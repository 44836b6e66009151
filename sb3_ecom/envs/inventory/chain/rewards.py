"""Money that a chain earns and spends in one period."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.chain.dynamics import Outcome

TERMS = ("sales", "purchases", "unserved", "holding")


def money(sold: Array, bought: Array, unserved: Array, held: Array, prices: Any) -> dict[str, Array]:
    """Return the money of a period by reward term, before its discount, costs positive; linear in the units.

    `sold`, `bought` and `unserved` are (..., stages + 1) units, `held` (..., stages); `prices` are the public
    tables.
    """
    return {
        "sales": sold @ prices.prices,
        "purchases": bought @ prices.costs,
        "unserved": unserved @ prices.backlog,
        "holding": held @ prices.holding,
    }


def profit(by_term: dict[str, Array]) -> Array:
    """Return sales minus all costs of `money`."""
    return by_term["sales"] - by_term["purchases"] - by_term["unserved"] - by_term["holding"]


def reward_terms(outcome: Outcome, prices: Any) -> dict[str, Array]:
    """Return the signed, discounted money of the period, (n,) each."""
    by_term = money(outcome.sold, outcome.bought, outcome.unserved, outcome.held, prices)
    weight = outcome.discount
    return {
        "sales": by_term["sales"] * weight,
        "purchases": by_term["purchases"] * -weight,
        "unserved": by_term["unserved"] * -weight,
        "holding": by_term["holding"] * -weight,
    }
