"""What a shop may have beside stock and customers: promotions, substitutes, trucks."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.arithmetic import positive

IDLE = -99.0  # `promo` of an item of which no promotion is known


class Options(NamedTuple):
    """Numbers of the options; a rate, share or cost of 0 switches one off."""

    promotion_rate: float = 0.0  # chance per item and day that one is announced, where none is
    promotion_days: float = 7.0  # length
    promotion_notice: float = 14.0  # days from announcement to start
    promotion_uplift: float = 2.2  # mean factor of demand
    promotion_spread: float = 0.4  # standard deviation of its logarithm
    substitution: float = 0.0  # share of customers who take the item's substitute where the shelf is empty
    truck_units: float = 1.0  # units that a truck holds


class Promotions(NamedTuple):
    """Promotions of every item; known but for the uplift."""

    since: Array  # (n, N) days since the start; negative = announced, IDLE = none
    uplift: Array  # (n, N) hidden factor of the one under way or announced


class PromotionNoise(NamedTuple):
    """What chance decides about promotions in a day."""

    announce: Array  # (n, N) U[0, 1)
    uplift: Array  # (n, N) N(0, 1)


def advance(xp: Any, options: Options, promotions: Promotions, noise: PromotionNoise) -> Promotions:
    """Let a day pass for the promotions: some end, some are announced."""
    since, uplift = promotions
    idle = since <= IDLE
    begins = idle & (noise.announce < options.promotion_rate)
    spread = options.promotion_spread
    drawn = xp.exp(noise.uplift * spread) * (
        options.promotion_uplift * 2.718281828459045 ** (-0.5 * spread**2)
    )
    over = idle | (since + 1.0 >= options.promotion_days)
    following = xp.where(over, xp.zeros_like(since) + IDLE, since + 1.0)
    following = xp.where(begins, xp.zeros_like(since) - options.promotion_notice, following)
    return Promotions(following, xp.where(begins, drawn, uplift))


def lift(xp: Any, since: Array, uplift: Array | float) -> Array:
    """Return the factor of demand today, (n, N)."""
    return 1.0 + (uplift - 1.0) * xp.astype(since >= 0, xp.float32)


def lift_ahead(xp: Any, options: Options, since: Array, uplift: Array | float, days: int) -> Array:
    """Return the mean factor of demand over the next `days` days, today included, (n, N)."""
    end = xp.clip(options.promotion_days - since, None, float(days))
    covered = positive(end - positive(-since))
    return 1.0 + (uplift - 1.0) * (covered / days)


def substitute(
    xp: Any, share: float, partner: Array, lost: Array, left: Array, uniform: Array
) -> tuple[Array, Array]:
    """Return units sold to customers of the partner item, and units of each item so replaced, (n, N).

    `partner` is (N,) whole numbers, an involution; `uniform` rounds a share of customers to whole ones.
    """
    asked = xp.floor(lost * share + uniform)
    taken = xp.minimum(asked[:, partner], left)
    return taken, taken[:, partner]


def trucks(xp: Any, options: Options, units: Array) -> Array:
    """Return the trucks that carry (n,) units."""
    return xp.ceil(units * (1.0 / options.truck_units))
