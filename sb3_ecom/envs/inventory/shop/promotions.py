"""Promotions, substitutes and trucks of a web shop; all are options."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.shop.params import ShopParams

IDLE = -99.0  # `since` of an item of which no promotion is known


class Promotions(NamedTuple):
    """Promotions of every item; the shop knows all but the uplift."""

    since: Array  # (n, N) days since the start; negative = announced, IDLE = none
    uplift: Array  # (n, N) hidden factor of the one under way or announced


class PromotionNoise(NamedTuple):
    """Draws that decide about promotions in a day."""

    announce: Array  # (n, N) U[0, 1)
    uplift: Array  # (n, N) N(0, 1)


def advance(promotions: Promotions, noise: PromotionNoise, params: ShopParams) -> Promotions:
    """Return the promotions a day later: some end, some are announced."""
    since, uplift = promotions
    xp = array_namespace(since)
    idle = since <= IDLE
    begins = idle & (noise.announce < params.promotion_rate)
    spread = params.promotion_spread
    drawn = xp.exp(noise.uplift * spread) * (
        params.promotion_uplift * 2.718281828459045 ** (-0.5 * spread**2)
    )
    over = idle | (since + 1.0 >= params.promotion_days)
    following = xp.where(over, xp.zeros_like(since) + IDLE, since + 1.0)
    following = xp.where(begins, xp.zeros_like(since) - float(params.promotion_notice), following)
    return Promotions(following, xp.where(begins, drawn, uplift))


def lift(since: Array, uplift: Array | float) -> Array:
    """Return the factor of demand today, (n, N)."""
    xp = array_namespace(since)
    return 1.0 + (uplift - 1.0) * xp.astype(since >= 0, xp.float32)


def lift_ahead(since: Array, uplift: Array | float, days: int, promotion_days: int) -> Array:
    """Return the mean factor of demand over the next `days` days, today included, (n, N)."""
    end = array_namespace(since).clip(float(promotion_days) - since, None, float(days))
    covered = positive(end - positive(-since))
    return 1.0 + (uplift - 1.0) * (covered / days)


def substitute(lost: Array, left: Array, uniform: Array, share: float, partner: Array) -> tuple[Array, Array]:
    """Return units sold to customers of the partner item, and units of each item so replaced, (n, N).

    `partner` is (N,) whole numbers, an involution; `uniform` rounds a share of customers to whole ones.
    """
    xp = array_namespace(lost)
    asked = xp.floor(lost * share + uniform)
    taken = xp.minimum(asked[:, partner], left)
    return taken, taken[:, partner]


def trucks(units: Array, truck_units: float) -> Array:
    """Return the trucks that carry (n,) units."""
    return array_namespace(units).ceil(units * (1.0 / truck_units))
