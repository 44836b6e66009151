"""Clicks on new items: one impression of one item a step. Pure, batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.cold_start.params import ColdStartParams


class Tables(NamedTuple):
    """Constant arrays that no shop knows."""

    weights: Array  # (F,) logits per unit of a feature


class ResetNoise(NamedTuple):
    """Random numbers that make the items of a season."""

    features: Array  # (n, N, F) N(0, 1)
    surprise: Array  # (n, N) N(0, 1)


class Hidden(NamedTuple):
    """Hidden state of a season."""

    logit: Array  # (n, N) of the click rate


class Outcome(NamedTuple):
    """Result of one impression, (n,) each."""

    item: Array  # int
    clicked: Array
    rate: Array  # the probability of that click
    regret: Array  # the best item's click rate less this one's


def start(noise: ResetNoise, params: ColdStartParams, tables: Tables) -> Hidden:
    """Return the items of new seasons."""
    xp = array_namespace(noise.surprise)
    explained = xp.sum(noise.features * tables.weights, axis=2)
    return Hidden(params.base + explained + params.own_sd * noise.surprise)


def click_rate(logit: Array) -> Array:
    """Return the probability of a click, sigmoid(logit)."""
    xp = array_namespace(logit)
    return 1.0 / (1.0 + xp.exp(-logit))


def step(
    state: Hidden, item: Array, noise: Array, params: ColdStartParams, tables: Tables
) -> tuple[Hidden, Outcome]:
    """Show (n,) items; `noise` is (n,) U[0, 1)."""
    xp = array_namespace(state.logit)
    rate = click_rate(state.logit[index_range(item.shape[0], item), item])
    best = click_rate(xp.max(state.logit, axis=1))
    clicked = xp.astype(noise < rate, rate.dtype)
    return Hidden(state.logit * 1.0), Outcome(item, clicked, rate, best - rate)
