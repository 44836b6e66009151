"""Money of a day in a web shop: by reward term, and by item."""

from __future__ import annotations

from collections.abc import Mapping

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.shop.dynamics import Outcome
from sb3_ecom.envs.inventory.shop.tables import PublicTables

TERMS = ("margin", "lost", "holding", "lines", "overflow", "trucks")


def reward_terms(outcome: Outcome, tables: PublicTables) -> dict[str, Array]:
    """Return the signed money of the day by term, (n,) each, in mean daily margins of the shop."""
    xp = array_namespace(outcome.sales)
    return {
        "margin": outcome.sales @ tables.margin,
        "lost": -(outcome.lost @ tables.lost),
        "holding": -(outcome.left @ tables.holding),
        "lines": xp.astype(outcome.order > 0, xp.float32) @ (tables.each * -tables.line),
        "overflow": -(outcome.refused @ tables.overflow),
        "trucks": outcome.trucks * -tables.truck,
    }


def item_rewards(outcome: Outcome, weights: Mapping[str, float], tables: PublicTables) -> Array:
    """Return every item's part of the reward, (n, N); all items share the trucks alike."""
    xp = array_namespace(outcome.sales)
    # A product with a diagonal matrix is several times faster than one with a row that is broadcast.
    margin, lost, holding, overflow = (tables.by_item[k] for k in range(4))
    shared = outcome.trucks * (tables.truck * (weights.get("trucks", 0.0) / outcome.sales.shape[1]))
    return (
        _weighted(outcome.sales @ margin, weights, "margin")
        - _weighted(outcome.lost @ lost, weights, "lost")
        - _weighted(outcome.left @ holding, weights, "holding")
        - _weighted(outcome.refused @ overflow, weights, "overflow")
        - xp.astype(outcome.order > 0, xp.float32) * (tables.line * weights.get("lines", 0.0))
        - shared[:, None]
    )


def _weighted(part: Array, weights: Mapping[str, float], term: str) -> Array:
    weight = weights.get(term, 0.0)
    return part if weight == 1.0 else part * weight
