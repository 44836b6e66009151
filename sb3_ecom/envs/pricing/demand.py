"""Multinomial logit demand: who buys what at which prices, and who waits for a lower one."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace


def attraction(factor: Array, sensitivity: Array, appeal: Array) -> Array:
    """Return exp(utility) of (..., K) products at price factors; leaving without one has 1.

    The utility is appeal - sensitivity x (factor - 1): at the reference price (factor 1) sensitivity does
    not show, so that who never leaves that price never learns it.

    Args:
        factor: (..., K) price over reference price.
        sensitivity: (..., 1) utility lost per reference price, > 0.
        appeal: (..., K) utility at the reference price.
    """
    return array_namespace(factor).exp(appeal - sensitivity * (factor - 1.0))


def waiting_attraction(lowest: Array, sensitivity: Array, appeal: Array, waiting: float) -> Array:
    """Return exp(utility) of waiting, (..., 1): that of buying at the lowest prices seen, times `waiting`.

    Args:
        lowest: (..., K) lowest price factors of the season so far.
        sensitivity: (..., 1).
        appeal: (..., K).
        waiting: 0: nobody waits; 1: waiting for those prices is as good as having them.
    """
    xp = array_namespace(lowest)
    return waiting * xp.sum(attraction(lowest, sensitivity, appeal), axis=-1, keepdims=True)
