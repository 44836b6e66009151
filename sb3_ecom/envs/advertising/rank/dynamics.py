"""One day of a platform: pages, auctions, clicks; users and advertisers respond. Pure and batched."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.advertising.rank.auction import Slots, run_auction
from sb3_ecom.envs.advertising.rank.params import RankParams

MAX_LOG_RESERVE = 2.5  # the log reserve stays within +- this
MAX_EXPONENT = 1.5  # the exponent of the predicted click rate lies in [0, this]


class ResetNoise(NamedTuple):
    """Draws that start an episode."""

    uniforms: Array  # (n, 4) U[0, 1): active users, present advertisers, experience, touchiness
    level: Array  # (n,) N(0, 1)


class StepNoise(NamedTuple):
    """Draws of one day, whatever the platform does; clicks have draws of their own."""

    visits: Array  # (n, Q) U[0, 1)
    present: Array  # (n, Q, N) U[0, 1)
    ads: Array  # (3, n, Q, N) N(0, 1): predicted click rate, value, prediction error
    clicks: Array  # (n, Q, K) U[0, 1)
    level: Array  # (n,) N(0, 1)
    switch: Array  # (n,) U[0, 1)


class HiddenState(NamedTuple):
    """Market when a day opens; the platform counts its users and advertisers, the rest it does not see."""

    active: Array  # (n,) share of users
    present: Array  # (n,) share of advertisers
    level: Array  # (n,) log value level
    experience: Array  # (n,) of advertisers, in [0, 1]
    touchy: Array  # (n,) +1 or -1


class Ranking(NamedTuple):
    """Decision of a day, (n,) each."""

    log_reserve: Array  # log of the least price per click
    exponent: Array  # g of the ranking by bid x pCTR^g


class Outcome(NamedTuple):
    """Result of one day, (n,) each."""

    revenue: Array  # money paid for clicks
    expected: Array  # revenue at the true click rates, without the luck of clicks
    welfare: Array  # value of the clicks to advertisers
    clicks: Array
    predicted: Array  # clicks at the predicted rates
    shown: Array  # ads
    pages: Array
    log_bid: Array  # mean over the ads that took part
    relevance: Array  # true over median click rate of the ads, weighted by exposure, empty slots 0
    coverage: Array  # share of the exposure that was sold
    surplus: Array  # advertisers' share of the value at stake
    leaving: Array  # share of the active users who go for long
    active: Array  # share of users, after the day
    present: Array  # share of advertisers, after the day
    reserve: Array  # per click


class Pages(NamedTuple):
    """The ads that a day's visitors could see."""

    visited: Array  # (n, Q) float 0 or 1
    present: Array  # (n, Q, N) bool
    log_value: Array  # (n, Q, N)
    log_rate: Array  # (n, Q, N) predicted
    error: Array  # (n, Q, N) log of true over predicted


def start(noise: ResetNoise, params: RankParams) -> HiddenState:
    """Draw users, advertisers and the hidden state."""
    xp = array_namespace(noise.level)
    uniforms, zero = noise.uniforms, noise.level * 0.0
    touchy = xp.where(uniforms[:, 3] < 0.5, zero + 1.0, zero - 1.0)
    return HiddenState(
        params.active_low + (1 - params.active_low) * uniforms[:, 0],
        params.present_low + (1 - params.present_low) * uniforms[:, 1],
        noise.level * params.level_sd,
        uniforms[:, 2] * 1.0,
        touchy,
    )


def open_pages(state: HiddenState, noise: StepNoise, params: RankParams) -> Pages:
    """Return the day's visitors and the ads that fit them."""
    xp = array_namespace(state.level)
    visited = xp.where(noise.visits < state.active[:, None], noise.visits * 0.0 + 1.0, noise.visits * 0.0)
    rho = params.value_correlation
    score = noise.ads[0] * rho + noise.ads[1] * math.sqrt(1 - rho * rho)
    return Pages(
        visited,
        noise.present < state.present[:, None, None],
        state.level[:, None, None] + score * params.value_sd,
        noise.ads[0] * params.click_sd + math.log(params.click_rate),
        noise.ads[2] * params.prediction_sd - params.prediction_sd**2 / 2,
    )


def next_active(active: Array, leaving: Array, params: RankParams) -> Array:
    """Return the share of active users after a share of them left and some others came back."""
    return active * (1.0 - leaving) + params.comeback * (1.0 - active)


def next_present(present: Array, surplus: Array, params: RankParams) -> Array:
    """Return the share of advertisers taking part tomorrow, given what they keep of the value at stake."""
    xp = array_namespace(surplus)
    wanted = 1.0 / (1.0 + xp.exp(-params.choosiness * (surplus - params.outside)))
    return present + params.exit_rate * (wanted - present)


def next_experience(experience: Array, params: RankParams) -> Array:
    """Return advertisers' experience tomorrow: some learn, some are replaced by ones who have not."""
    return experience + params.learn * (1.0 - experience) - (params.turnover * experience)


def step(
    state: HiddenState, decision: Ranking, noise: StepNoise, params: RankParams, tables: None = None
) -> tuple[HiddenState, Outcome]:
    """Sell a day's pages; users and advertisers respond."""
    xp = array_namespace(state.level)
    pages = open_pages(state, noise, params)
    ones = xp.ones_like(noise.visits)
    reserve = xp.exp(decision.log_reserve)
    slots = run_auction(
        xp.exp(pages.log_value),
        xp.exp(decision.exponent[:, None, None] * pages.log_rate),
        pages.present,
        ones * reserve[:, None],
        params.exposure,
        ones * state.experience[:, None],
        params.pricing == "vcg",
    )
    outcome = _count(state, reserve, pages, slots, noise, params)
    after = HiddenState(
        outcome.active * 1.0,
        outcome.present * 1.0,
        state.level * params.level_ar
        + noise.level * (params.level_sd * math.sqrt(1 - params.level_ar * params.level_ar)),
        next_experience(state.experience, params),
        xp.where(noise.switch < params.switch, -state.touchy, state.touchy),
    )
    return after, outcome


def _count(
    state: HiddenState, reserve: Array, pages: Pages, slots: Slots, noise: StepNoise, params: RankParams
) -> Outcome:
    """Draw clicks, add up money, and let users and advertisers respond."""
    xp = array_namespace(reserve)
    visited = pages.visited
    looks = xp.stack([visited * x for x in params.exposure], axis=-1)
    looks = xp.where(slots.filled, looks, looks * 0.0)
    log_rate = xp.take_along_axis(pages.log_rate, slots.ad, axis=-1)
    error = xp.take_along_axis(pages.error, slots.ad, axis=-1)
    predicted = looks * xp.exp(xp.clip(log_rate, None, 0.0))
    chance = looks * xp.exp(xp.clip(log_rate + error, None, 0.0))
    clicked = xp.where(noise.clicks < chance, looks * 0.0 + 1.0, looks * 0.0)

    people = xp.sum(visited, axis=1)
    offered = xp.clip(people * sum(params.exposure), 1.0, None)
    leaving = _leave(state, visited, chance, looks, params)
    taking = xp.where(pages.present, visited[..., None], visited[..., None] * 0.0)
    surplus = _surplus_share(pages, taking, slots, predicted, params)
    present = xp.where(people > 0.0, next_present(state.present, surplus, params), state.present)
    return Outcome(
        revenue=_total(xp, clicked * slots.price),
        expected=_total(xp, chance * slots.price),
        welfare=_total(xp, clicked * slots.value),
        clicks=_total(xp, clicked),
        predicted=_total(xp, predicted),
        shown=_total(xp, xp.where(slots.filled, visited[..., None], looks * 0.0)),
        pages=people,
        log_bid=_mean_log_bid(pages, taking, slots),
        relevance=_total(xp, chance) / (offered * params.click_rate),
        coverage=_total(xp, looks) / offered,
        surplus=surplus,
        leaving=leaving,
        active=next_active(state.active, leaving, params),
        present=present,
        reserve=reserve,
    )


def _total(xp: Any, array: Array) -> Array:
    """Return the (n,) sums of an (n, Q, K) array."""
    return xp.sum(xp.sum(array, axis=-1), axis=-1)


def _mean_log_bid(pages: Pages, taking: Array, slots: Slots) -> Array:
    """Return the (n,) mean log bid of the ads that took part: the value, but for those in a slot."""
    xp = array_namespace(taking)
    looks = pages.visited[..., None]
    shaded = xp.where(slots.filled, xp.log(slots.bid / slots.value) * looks, looks * 0.0)
    return (_total(xp, taking * pages.log_value) + _total(xp, shaded)) / xp.clip(
        _total(xp, taking), 1.0, None
    )


def _leave(state: HiddenState, visited: Array, chance: Array, looks: Array, params: RankParams) -> Array:
    """Return the share of visitors who go, each by the page they saw: clicks it invites against its ads."""
    xp = array_namespace(visited)
    clicks, shown = (xp.sum(array, axis=-1) / sum(params.exposure) for array in (chance, looks))
    expects = 1.0 + params.touchiness * state.touchy[:, None]
    page = params.leave * xp.exp(params.annoyance * (expects * shown - clicks / params.click_rate))
    gone = xp.sum(visited * xp.clip(page, None, 0.5), axis=1)
    return gone / xp.clip(xp.sum(visited, axis=1), 1.0, None)


def _surplus_share(pages: Pages, taking: Array, slots: Slots, predicted: Array, params: RankParams) -> Array:
    """Return what advertisers keep, over the value of the best pages that could be made of their ads.

    The stake counts the K largest predicted values per look in the slots, whatever the platform ranks by.
    """
    xp = array_namespace(predicted)
    stake = xp.sort(taking * xp.exp(pages.log_value + xp.clip(pages.log_rate, None, 0.0)), axis=-1)
    best = predicted[:, 0, 0] * 0.0
    for k, chance in enumerate(params.exposure):
        best = best + chance * xp.sum(stake[..., -1 - k], axis=-1)
    kept = _total(xp, predicted * (slots.value - slots.price))
    return kept / xp.clip(best, 1e-6, None)
