"""A visitor clicks the banner that he likes more often than the others."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace

from .params import BannerParams


class Outcome(NamedTuple):
    """One page of n visitors."""

    banner: Array  # (n,) int shown
    clicked: Array  # (n,) 0 or 1


def click_chance(liked: Array, banner: Array, params: BannerParams) -> Array:
    """Return the (n,) chances of a click."""
    xp = array_namespace(liked)
    hit = xp.astype(liked == banner, xp.float32)
    return params.other + (params.liking - params.other) * hit


def step(
    state: Array, action: Array, noise: Array, params: BannerParams, tables: Any
) -> tuple[Array, Outcome]:
    """Show (n,) banners to visitors who like the (n,) banners in `state`."""
    xp = array_namespace(state)
    clicked = xp.astype(noise < click_chance(state, action, params), xp.float32)
    return state * 1, Outcome(action * 1, clicked)
