"""One visit: a page by fusion weights, clicks, and the day of the next visit. Pure, batched."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range
from sb3_ecom.envs.recommendation.retention.params import RetentionParams


class Noise(NamedTuple):
    """Chance of one visit."""

    items: Array  # (n, M, 3) N(0, 1): features of the candidates, bait
    click: Array  # (n, K) U[0, 1)
    gap: Array  # (n,) U[0, 1)
    intent: Array  # (n,) U[0, 1), of the next visit


class Hidden(NamedTuple):
    """A customer at the start of a visit."""

    satisfaction: Array  # (n,) hidden
    day: Array  # (n,) 0 .. days
    intent: Array  # (n, 2) unit vector, what he looks for today


class Outcome(NamedTuple):
    """Outcome of one visit."""

    slate: Array  # (n, K) int, places among the candidates
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    expected: Array  # (n,) expected clicks
    relevance: Array  # (n,) mean of what was clicked, 0 for nothing
    bait: Array  # (n,) mean of what was clicked, 0 for nothing
    gap: Array  # (n,) days without a visit
    margin: Array  # (n,)
    experience: Array  # (n,) pleasure less regret of the visit
    day: Array  # (n,) of the next visit
    over: Array  # (n,) bool, the month ends first


def start(intent: Array, params: RetentionParams) -> Hidden:
    """Return first visits; `intent` is (n,) U[0, 1)."""
    zero = 0.0 * intent
    return Hidden(zero + params.start, zero, _intent_vector(intent))


def _intent_vector(uniform: Array) -> Array:
    """Return (n, 2) unit vectors of (n,) U[0, 1)."""
    xp = array_namespace(uniform)
    angle = 6.283185307179586 * uniform
    return xp.stack([xp.cos(angle), xp.sin(angle)], axis=1)


def step(
    state: Hidden, weights: Array, noise: Noise, params: RetentionParams, tables: None = None
) -> tuple[Hidden, Outcome]:
    """Show the K candidates of the highest (n, 3) weights . (features, bait)."""
    xp = array_namespace(weights)
    rows = index_range(weights.shape[0], weights)[:, None]
    parts = [noise.items[..., k] * weights[:, k : k + 1] for k in range(3)]  # a sum over 3 floats is slow
    scores = parts[0] + parts[1] + parts[2]
    slate = xp.argsort(-scores, axis=1)[:, : params.slate_size]
    shown = noise.items[rows, slate]
    match = shown[..., 0] * state.intent[:, :1] + shown[..., 1] * state.intent[:, 1:]
    bait = shown[..., 2]
    logit = params.click_base + params.relevance * match + params.bait * bait
    rate = 1.0 / (1.0 + xp.exp(-logit))
    clicks = xp.astype(noise.click < rate, rate.dtype)
    total = xp.sum(clicks, axis=1)
    many = xp.clip(total, 1.0, None)
    matched, baited = xp.sum(clicks * match, axis=1) / many, xp.sum(clicks * bait, axis=1) / many
    experience = experience_of(total, matched, baited, params)
    satisfaction = after_visit(state.satisfaction, experience, params)
    gap = days_away(noise.gap, satisfaction, params)
    day = state.day + 1.0 + gap
    after = Hidden(
        satisfaction,
        xp.clip(day, 0.0, float(params.days)),
        _intent_vector(noise.intent),
    )
    margin = params.margin * xp.sum(clicks * xp.clip(bait, 0.0, None), axis=1)
    over = day >= params.days
    expected = xp.sum(rate, axis=1)
    return after, Outcome(slate, clicks, total, expected, matched, baited, gap, margin, experience, day, over)


def experience_of(total: Array, relevance: Array, bait: Array, params: RetentionParams) -> Array:
    """Return pleasure less regret of visits with `total` clicks of this mean relevance and bait."""
    xp = array_namespace(total)
    pleased = params.pleasure * relevance - params.regret * bait
    return xp.where(total > 0, pleased, 0.0 * pleased - params.boredom)


def after_visit(satisfaction: Array, experience: Array, params: RetentionParams) -> Array:
    """Return the satisfaction after a visit: a moving average of experiences."""
    return params.memory * satisfaction + (1.0 - params.memory) * experience


def return_chance(satisfaction: Array, params: RetentionParams) -> Array:
    """Return the chance of a visit on a given day."""
    xp = array_namespace(satisfaction)
    return 1.0 / (1.0 + xp.exp(-(params.return_base + params.return_satisfaction * satisfaction)))


def days_away(uniform: Array, satisfaction: Array, params: RetentionParams) -> Array:
    """Return (n,) whole days without a visit: geometric, at most the month."""
    xp = array_namespace(uniform)
    stay = xp.clip(1.0 - return_chance(satisfaction, params), 1e-6, 1.0 - 1e-6)
    return xp.clip(xp.floor(xp.log(1.0 - uniform) / xp.log(stay)), 0.0, float(params.days))
