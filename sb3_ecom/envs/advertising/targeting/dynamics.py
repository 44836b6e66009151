"""One page of a visit: show a creative or none, perhaps a click, perhaps the visitor leaves."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.advertising.targeting.params import TargetParams

HISTORY = 8  # pages that the observation remembers


class Tables(NamedTuple):
    """Constant arrays."""

    rates: Array  # (types, K) click rates without fatigue


class Noise(NamedTuple):
    """Chance of one page."""

    click: Array  # (n,) U[0, 1)
    leave: Array  # (n,) U[0, 1)


class State(NamedTuple):
    """A visit in progress."""

    kind: Array  # (n,) int64 hidden type
    page: Array  # (n,) pages seen
    left: Array  # (n,) impressions left in the budget
    fatigue: Array  # (n, K) levels, whole numbers
    shown: Array  # (n, K) impressions so far
    clicks: Array  # (n, K) clicks so far
    history: Array  # (n, HISTORY, 2 + K) validity, clicked, creative shown (one-hot); newest last


class Outcome(NamedTuple):
    """What one page brought, (n,) each."""

    clicked: Array
    shown: Array  # 0 or 1 impression
    left: Array  # bool: the visitor went
    click_rate: Array  # the true chance of a click, 0 without an impression


def start(noise: Array, params: TargetParams) -> State:
    """Draw types; `noise` is (n,) U[0, 1)."""
    xp = array_namespace(noise)
    kind = xp.clip(xp.astype(noise * params.types, xp.int64), 0, params.types - 1)
    zero = xp.zeros_like(noise)
    blank = xp.tile(zero[:, None], (1, params.creatives))
    history = xp.tile(zero[:, None, None], (1, HISTORY, 2 + params.creatives))
    return State(kind, zero, zero + params.budget, blank, blank * 1.0, blank * 1.0, history)


def step(
    state: State, action: Array, noise: Noise, params: TargetParams, tables: Tables
) -> tuple[State, Outcome]:
    """Show creative `action` (0 .. K - 1) or none (K, and whenever the budget is gone).

    A shown creative tires by a level; a page without an ad lets all recover by one.
    """
    xp = array_namespace(state.fatigue)
    one = xp.ones_like(state.fatigue)
    index = xp.arange(params.creatives)
    open_ = (state.left > 0)[:, None]
    chosen = xp.where((action[:, None] == index[None, :]) & open_, one, one * 0.0)
    shown = xp.sum(chosen, axis=1)
    rate = xp.sum(chosen * tables.rates[state.kind] * xp.exp(-params.wear * state.fatigue), axis=1)
    clicked = xp.where(noise.click < rate, xp.ones_like(rate), xp.zeros_like(rate))
    top = float(params.fatigue_levels - 1)
    fatigue = xp.clip(state.fatigue + chosen - (1.0 - shown)[:, None], 0.0, top)
    leave = params.leave + params.annoyance * xp.sum(fatigue, axis=1)
    row = xp.concat([xp.ones_like(rate)[:, None], clicked[:, None], chosen], axis=1)
    after = State(
        state.kind * 1,
        state.page + 1.0,
        state.left - shown,
        fatigue,
        state.shown + chosen,
        state.clicks + chosen * clicked[:, None],
        xp.concat([state.history[:, 1:], row[:, None, :]], axis=1),
    )
    return after, Outcome(clicked, shown, noise.leave < leave, rate)
