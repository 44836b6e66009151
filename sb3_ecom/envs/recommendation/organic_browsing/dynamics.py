"""One event of a visitor's timeline: a view of his own, or a recommendation. Pure, batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.organic_browsing.params import OrganicParams, click_rate

FACTS = 3  # of a remembered event before the product's code: validity, a click (else a view), when
CLOCK = 100.0  # events; scales time in observations


class Tables(NamedTuple):
    """Constant arrays."""

    loading: Array  # (P, factors)
    popularity: Array  # (P,)
    answer: Array  # (P, factors) loading that answers a recommendation
    answer_popularity: Array  # (P,)
    code: Array  # (P, E) names of the products


class Noise(NamedTuple):
    """Chance of one event."""

    view: Array  # (n,) U[0, 1)
    click: Array  # (n,) U[0, 1)
    move: Array  # (n,) U[0, 1)
    wander: Array  # (n, factors) N(0, 1)


class State(NamedTuple):
    """A visitor between two events."""

    taste: Array  # (n, factors) hidden
    asked: Array  # (n,) 1 if the next event is a recommendation, 0 if a view
    history: Array  # (n, remembered, FACTS + E) views and clicks, newest last
    since: Array  # (n,) views since the last recommendation
    event: Array  # (n,)


class Outcome(NamedTuple):
    """What one event brought."""

    product: Array  # (n,) int, viewed or recommended
    asked: Array  # (n,) 1 where it was a recommendation
    clicked: Array  # (n,) 0 or 1
    rate: Array  # (n,) chance of that click, 0 for a view
    left: Array  # (n,) bool


def start(taste: Array, params: OrganicParams, tables: Tables) -> State:
    """Return new visitors, who begin by looking around; `taste` is (n, factors) N(0, 1)."""
    xp = array_namespace(taste)
    zero = 0.0 * taste[:, 0]
    blank = zero[:, None] + xp.concat(
        [tables.code[0] * 0.0, tables.code[0, :1] * xp.zeros_like(taste[0, :1])]
    )
    blank = xp.concat([xp.stack([zero] * (FACTS - 1), axis=1), blank], axis=1)
    history = xp.stack([blank] * params.remembered, axis=1)
    return State(params.taste_sd * taste, zero, history, zero + 0.0, zero + 0.0)


def step(
    state: State, action: Array, noise: Noise, params: OrganicParams, tables: Tables
) -> tuple[State, Outcome]:
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
    after = State(
        state.taste + (params.wander_sd * browsing)[:, None] * noise.wander,
        xp.ones_like(rate) - browsing,
        _note(state.history, product, ~asked | hit, clicked, state.event, tables),
        xp.where(asked, 0.0 * rate, state.since + 1.0),
        state.event + 1.0,
    )
    return after, Outcome(product, state.asked * 1.0, clicked, rate, left)


def view_of(taste: Array, uniform: Array, tables: Tables) -> Array:
    """Return (n,) products viewed, drawn from softmax(loading . taste + popularity)."""
    xp = array_namespace(taste)
    logits = taste @ tables.loading.T + tables.popularity
    weights = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    cumulative = xp.cumulative_sum(weights, axis=1)
    passed = xp.astype(uniform[:, None] * cumulative[:, -1:] >= cumulative, xp.int64)
    return xp.clip(xp.sum(passed, axis=1), 0, tables.popularity.shape[0] - 1)


def _note(history: Array, product: Array, noted: Array, clicked: Array, when: Array, tables: Tables) -> Array:
    """Add a view or a click as the newest row."""
    xp = array_namespace(history)
    fact = xp.stack([xp.ones_like(clicked), clicked, when / CLOCK], axis=1)
    row = xp.concat([fact, tables.code[product]], axis=1)
    pushed = xp.concat([history[:, 1:], row[:, None]], axis=1)
    return xp.where(noted[:, None, None], pushed, history)
