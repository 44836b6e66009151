"""One event of a visitor's timeline: a view of his own, or a recommendation. Pure, batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.organic_browsing.params import OrganicBrowsingParams, click_rate


class Tables(NamedTuple):
    """Constant arrays that no shop knows."""

    loading: Array  # (P, factors)
    popularity: Array  # (P,)
    answer: Array  # (P, factors) loading that answers a recommendation
    answer_popularity: Array  # (P,)


class Noise(NamedTuple):
    """Chance of one event."""

    view: Array  # (n,) U[0, 1)
    click: Array  # (n,) U[0, 1)
    move: Array  # (n,) U[0, 1)
    wander: Array  # (n, factors) N(0, 1)


class Hidden(NamedTuple):
    """Hidden state of a visitor between two events."""

    taste: Array  # (n, factors)
    asked: Array  # (n,) 1 if the next event is a recommendation, 0 if a view


class Outcome(NamedTuple):
    """Outcome of one event."""

    product: Array  # (n,) int, viewed or recommended
    asked: Array  # (n,) 1 where it was a recommendation
    clicked: Array  # (n,) 0 or 1
    rate: Array  # (n,) chance of that click, 0 for a view
    left: Array  # (n,) bool


def start(taste: Array, params: OrganicBrowsingParams) -> Hidden:
    """Return new visitors, who begin by looking around; `taste` is (n, factors) N(0, 1)."""
    return Hidden(params.taste_sd * taste, 0.0 * taste[:, 0])


def view_logits(taste: Array, tables: Tables) -> Array:
    """Return (..., P) logits of the product viewed next: loading . taste + popularity."""
    return taste @ tables.loading.T + tables.popularity


def click_rates(taste: Array, tables: Tables) -> Array:
    """Return (..., P) click rates of all products if recommended."""
    return click_rate(taste @ tables.answer.T + tables.answer_popularity)


def step(
    state: Hidden, action: Array, noise: Noise, params: OrganicBrowsingParams, tables: Tables
) -> tuple[Hidden, Outcome]:
    """Pass one event; the (n,) action counts where a recommendation is asked for.

    Source: Rohde et al. 2018, RecoGym (arXiv:1808.00720), environment "reco-gym-v1".
    """
    xp = array_namespace(state.taste)
    asked = state.asked > 0
    product = xp.where(asked, action, view_of(state.taste, noise.view, tables))
    affinity = xp.sum(state.taste * tables.answer[product], axis=1) + tables.answer_popularity[product]
    rate = state.asked * click_rate(affinity)
    clicked = xp.astype(noise.click < rate, rate.dtype)
    leave = xp.where(asked, params.leave_bandit + 0.0 * rate, params.leave_organic + 0.0 * rate)
    change = xp.where(asked, params.bandit_to_organic + 0.0 * rate, params.organic_to_bandit + 0.0 * rate)
    hit = clicked > 0
    left = (noise.move < leave) & ~hit  # a click is always followed by a look around
    switched = (noise.move >= leave) & (noise.move < leave + change)
    organic = hit | xp.where(asked, switched, ~switched & ~left)
    browsing = xp.astype(organic, rate.dtype)
    after = Hidden(
        state.taste + (params.wander_sd * browsing)[:, None] * noise.wander,
        xp.ones_like(rate) - browsing,
    )
    return after, Outcome(product, state.asked * 1.0, clicked, rate, left)


def view_of(taste: Array, uniform: Array, tables: Tables) -> Array:
    """Return (n,) products viewed, drawn from softmax(loading . taste + popularity)."""
    xp = array_namespace(taste)
    logits = view_logits(taste, tables)
    weights = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    cumulative = xp.cumulative_sum(weights, axis=1)
    passed = xp.astype(uniform[:, None] * cumulative[:, -1:] >= cumulative, xp.int64)
    return xp.clip(xp.sum(passed, axis=1), 0, tables.popularity.shape[0] - 1)
