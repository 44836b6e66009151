"""One impression of one new item. Pure, batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.cold_start.params import ColdParams

HISTORY = 8  # impressions that the observation remembers one by one


class Tables(NamedTuple):
    """Constant arrays."""

    weights: Array  # (F,) logits per unit of a feature


class ResetNoise(NamedTuple):
    """What makes a season."""

    features: Array  # (n, N, F) N(0, 1)
    surprise: Array  # (n, N) N(0, 1)


class State(NamedTuple):
    """A season in progress."""

    features: Array  # (n, N, F)
    logit: Array  # (n, N) of the click rate, hidden
    shown: Array  # (n, N) impressions
    clicks: Array  # (n, N)
    history: Array  # (n, HISTORY, 2 + F) newest last: valid, clicked, features of what was shown
    step: Array  # (n,)


class Outcome(NamedTuple):
    """What one impression brought, (n,) each."""

    item: Array  # int
    clicked: Array
    rate: Array  # the chance of it
    regret: Array  # the best item's chance less this one's


def start(noise: ResetNoise, params: ColdParams, tables: Tables) -> State:
    """Return seasons before the first impression."""
    xp = array_namespace(noise.surprise)
    promise = xp.sum(noise.features * tables.weights, axis=2)
    zero = 0.0 * noise.surprise[:, 0]
    blank = xp.concat([xp.stack([zero, zero], axis=1), 0.0 * noise.features[:, 0]], axis=1)
    return State(
        noise.features * 1.0,
        params.base + promise + params.own_sd * noise.surprise,
        0.0 * noise.surprise,
        0.0 * noise.surprise,
        xp.stack([blank] * HISTORY, axis=1),
        zero,
    )


def step(state: State, item: Array, noise: Array) -> tuple[State, Outcome]:
    """Show (n,) items; `noise` is (n,) U[0, 1)."""
    xp = array_namespace(state.logit)
    rows = index_range(item.shape[0], item)
    rate = 1.0 / (1.0 + xp.exp(-state.logit[rows, item]))
    best = 1.0 / (1.0 + xp.exp(-xp.max(state.logit, axis=1)))
    clicked = xp.astype(noise < rate, rate.dtype)
    hit = xp.astype(item[:, None] == index_range(state.logit.shape[1], item)[None, :], rate.dtype)
    row = xp.concat([xp.stack([xp.ones_like(rate), clicked], axis=1), state.features[rows, item]], axis=1)
    after = State(
        state.features * 1.0,
        state.logit * 1.0,
        state.shown + hit,
        state.clicks + hit * clicked[:, None],
        xp.concat([state.history[:, 1:], row[:, None]], axis=1),
        state.step + 1.0,
    )
    return after, Outcome(item, clicked, rate, best - rate)
