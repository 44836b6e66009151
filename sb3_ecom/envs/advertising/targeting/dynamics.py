"""One page of a visit: show a creative or none, perhaps a click, perhaps the visitor leaves."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.advertising.targeting.params import TargetParams


class Tables(NamedTuple):
    """Constant arrays."""

    rates: Array  # (types, K) click rates without fatigue


class Noise(NamedTuple):
    """Chance of one page."""

    click: Array  # (n,) U[0, 1)
    leave: Array  # (n,) U[0, 1)


class HiddenState(NamedTuple):
    """Visitors that no policy sees into; their fatigue follows from what they were shown."""

    visitor_type: Array  # (n,) int64
    fatigue: Array  # (n, K) levels, whole numbers


class Impression(NamedTuple):
    """Decision for one page."""

    creative: Array  # (n, K) one-hot creative shown, all 0 for none
    shown: Array  # (n,) 0 or 1


class Outcome(NamedTuple):
    """Result of one page, (n,) each."""

    clicked: Array
    shown: Array  # 0 or 1 impression
    left: Array  # bool: the visitor went
    click_rate: Array  # the true chance of a click, 0 without an impression


def start(noise: Array, params: TargetParams) -> HiddenState:
    """Draw types; `noise` is (n,) U[0, 1)."""
    xp = array_namespace(noise)
    visitor_type = xp.clip(xp.astype(noise * params.types, xp.int64), 0, params.types - 1)
    return HiddenState(visitor_type, xp.tile(xp.zeros_like(noise)[:, None], (1, params.creatives)))


def click_rate(rate: Array, fatigue: Array, params: TargetParams) -> Array:
    """Return chances of a click at levels of fatigue, given those without fatigue; shapes broadcast."""
    xp = array_namespace(fatigue)
    return rate * xp.exp(-params.wear * fatigue)


def next_fatigue(fatigue: Array, impression: Impression, levels: int) -> Array:
    """Return (n, K) levels after a page: what was shown tires, a page without an ad lets all recover."""
    moved = fatigue + impression.creative - (1.0 - impression.shown)[:, None]
    return moved.clip(0.0, float(levels - 1))


def leave_chance(fatigue: Array, params: TargetParams) -> Array:
    """Return the (n,) chance to leave after a page that left (n, K) levels of fatigue; above 1 is certain."""
    return params.leave + params.annoyance * fatigue.sum(1)


def step(
    state: HiddenState, decision: Impression, noise: Noise, params: TargetParams, tables: Tables
) -> tuple[HiddenState, Outcome]:
    """Show a page: perhaps a click, perhaps the visitor leaves."""
    xp = array_namespace(state.fatigue)
    rates = click_rate(decision.creative * tables.rates[state.visitor_type], state.fatigue, params)
    rate = xp.sum(rates, axis=1)
    clicked = xp.astype(noise.click < rate, rate.dtype)
    fatigue = next_fatigue(state.fatigue, decision, params.fatigue_levels)
    left = noise.leave < leave_chance(fatigue, params)
    return HiddenState(state.visitor_type, fatigue), Outcome(clicked, decision.shown, left, rate)
