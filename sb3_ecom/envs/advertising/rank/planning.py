"""A fluid model of a platform's market, and backward induction on it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.advertising.rank import dynamics
from sb3_ecom.envs.advertising.rank.dynamics import (
    MAX_EXPONENT,
    MAX_LOG_RESERVE,
    HiddenState,
    Outcome,
    Ranking,
    ResetNoise,
    StepNoise,
    next_active,
    next_experience,
    next_present,
)
from sb3_ecom.envs.advertising.rank.params import RankParams

RESERVES = np.linspace(-2.6, 1.6, 15)  # log reserve relative to the value level
EXPONENTS = np.linspace(0.0, MAX_EXPONENT, 6)
PRESENT = np.array([0.05, 0.25, 0.5, 0.75, 1.0])
EXPERIENCE = np.array([0.0, 1.0])
ACTIVE = np.array([0.0, 0.35, 0.7, 1.0])
_TOUCHY = np.array([-1.0, 1.0])
_PAGES = 512  # per cell of the fluid model


class _Fluid(NamedTuple):
    """Means of one page at value level 0, by (reserve, exponent, present, experience)."""

    revenue: Floats
    surplus: Floats
    shading: Floats  # mean log bid
    leaving: Floats  # likewise, and last by touchiness


class Plan(NamedTuple):
    """Best log reserve over the level and best exponent, (days, active, present, experience, level, 2)."""

    levels: Floats
    reserve: Floats
    exponent: Floats
    value: Floats  # of the first day, (active, present, experience, level, 2)


def _expect_page(
    params: RankParams, reserve: float, exponent: Floats, state: HiddenState, noise: StepNoise
) -> Outcome:
    """Return the outcome of one day of the given copies."""
    n = state.level.shape[0]
    log_reserve = np.full(n, reserve, dtype=np.float32)
    return dynamics.step(state, Ranking(log_reserve, exponent.astype(np.float32)), noise, params)[1]


@lru_cache(maxsize=8)
def build_fluid(params: RankParams, seed: int = 12) -> _Fluid:
    """Simulate the same pages in every cell: a day of 512 visitors, all of whom come."""
    wide = _with_visitors(params)
    cells = np.stack(np.meshgrid(EXPONENTS, PRESENT, EXPERIENCE, _TOUCHY, indexing="ij"), -1).reshape(-1, 4)
    n = len(cells)
    noise = _one_day(wide, n, seed)
    reset = ResetNoise(np.zeros((n, 4), np.float32), np.zeros(n, np.float32))
    state = dynamics.start(reset, wide)._replace(
        active=np.ones(n, np.float32),
        present=cells[:, 1].astype(np.float32),
        experience=cells[:, 2].astype(np.float32),
        touchy=cells[:, 3].astype(np.float32),
    )
    days = [_expect_page(wide, reserve, cells[:, 0], state, noise) for reserve in RESERVES]
    shape = (len(RESERVES), len(EXPONENTS), len(PRESENT), len(EXPERIENCE), 2)

    def table(name: str) -> Floats:
        return np.stack([getattr(day, name) for day in days]).astype(np.float64).reshape(shape)

    revenue, surplus, shading = (table(name)[..., 0] for name in ("expected", "surplus", "log_bid"))
    return _Fluid(revenue / _PAGES, surplus, shading, table("leaving"))


def _with_visitors(params: RankParams) -> RankParams:
    from dataclasses import replace

    return replace(params, visitors=_PAGES)


def _one_day(params: RankParams, n: int, seed: int) -> StepNoise:
    """Spread a day that all n copies share evenly over what may happen (a scrambled Sobol sequence)."""
    from scipy import special, stats

    q, k, ads = params.visitors, params.slots, params.ads
    points = stats.qmc.Sobol(4 * ads, seed=seed).random(q).astype(np.float32)
    points = np.clip(points, 1e-6, 1 - 1e-6).reshape(q, 4, ads)
    z = np.moveaxis(special.ndtri(points[:, 1:]), 1, 0)[:, None]
    zero = np.zeros(n, np.float32)
    return StepNoise(
        np.zeros((n, q), np.float32),
        np.broadcast_to(points[:, 0], (n, q, ads)),
        np.broadcast_to(z, (3, n, q, ads)),
        np.ones((n, q, k), np.float32),
        zero,
        zero + 1.0,
    )


@lru_cache(maxsize=8)
def solve(params: RankParams) -> Plan:
    """Backward induction over days, users, advertisers, experience, value level and touchiness.

    Rewards and moves are those of the fluid model; users, advertisers, experience and level lie between grid
    points by linear interpolation, and the level's step is a three-point Gauss-Hermite rule.
    """
    fluid = build_fluid(params)
    levels = np.linspace(-2.8, 2.8, 13) * max(params.level_sd, 1e-6)
    actions = fluid.revenue.shape[0] * fluid.revenue.shape[1]
    by_action = [np.moveaxis(part.reshape(actions, *part.shape[2:]), 0, -1) for part in fluid]
    revenue, surplus, _, leaving = by_action  # (present, experience, ..., action)
    earn = params.visitors * revenue[None, :, :, None, None] * ACTIVE[:, None, None, None, None, None]
    earn = earn * np.exp(levels)[:, None, None]
    active = next_active(
        ACTIVE[:, None, None, None, None], leaving, params
    )  # leaving: (m, a, touchy, action)
    present = next_present(PRESENT[:, None, None], surplus, params)
    near = _corners(active, present)
    value = np.zeros((len(ACTIVE), len(PRESENT), len(EXPERIENCE), len(levels), 2))
    found = []
    for _ in range(params.days):
        total = earn + _look_up(_expect(value, params, levels), near)
        best = total.argmax(-1)
        value = np.take_along_axis(total, best[..., None], -1)[..., 0]
        found.append(best)
    best = np.stack(found[::-1])
    return Plan(levels, RESERVES[best // len(EXPONENTS)], EXPONENTS[best % len(EXPONENTS)], value)


def _expect(value: Floats, params: RankParams, levels: Floats) -> Floats:
    """Return E[value] over tomorrow's level, touchiness and experience, at today's."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    shock = params.level_sd * math.sqrt(1 - params.level_ar**2)
    # Values rise almost exponentially with the level: their logs are what a straight line follows.
    logs, moved = np.log(np.maximum(value, 1e-12)), np.zeros_like(value)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        moved += weight * np.exp(_interpolate(logs, levels, levels * params.level_ar + shock * node, 3))
    mixed = moved * (1 - params.switch) + moved[..., ::-1] * params.switch
    return _interpolate(mixed, EXPERIENCE, next_experience(EXPERIENCE, params), 2)


def _interpolate(values: Floats, grid: Floats, wanted: Floats, axis: int) -> Floats:
    place = np.clip(np.interp(wanted, grid, np.arange(grid.size)), 0, grid.size - 1)
    low = np.minimum(place.astype(np.int64), grid.size - 2)
    shape = [1] * values.ndim
    shape[axis] = -1
    part = (place - low).reshape(shape)
    return np.asarray(values.take(low, axis) * (1 - part) + values.take(low + 1, axis) * part)


def _corners(active: Floats, present: Floats) -> list[tuple[Any, Any, Floats]]:
    """Return (active index, present index, weight) of the four neighbours, (u, m, a, touchy, action)."""
    found = []
    u, m = (
        np.clip(np.interp(x, grid, np.arange(grid.size)), 0, grid.size - 1.000001)
        for x, grid in ((active, ACTIVE), (present[None, :, :, None], PRESENT))
    )
    m = np.broadcast_to(m, u.shape)
    for du in (0, 1):
        for dm in (0, 1):
            i, j = u.astype(np.int64), m.astype(np.int64)
            weight = np.abs(1 - du - (u - i)) * np.abs(1 - dm - (m - j))
            found.append((i + du, j + dm, weight))
    return found


def _look_up(value: Floats, near: list[tuple[Any, Any, Floats]]) -> Floats:
    """Return (u, m, a, level, touchy, action) values at the neighbours' mean."""
    a = np.arange(value.shape[2])[None, None, :, None, None]
    z = np.arange(2)[None, None, None, :, None]
    by_level = np.moveaxis(value, 3, -1)  # (u, m, a, touchy, level)
    total = sum(weight[..., None] * by_level[i, j, a, z] for i, j, weight in near)
    return np.moveaxis(np.asarray(total), -1, 3)


def decide(
    plan: Plan,
    day: Floats,
    active: Floats,
    present: Floats,
    experience: Floats,
    level: Floats,
    touchy: Floats,
) -> NDArray[np.float32]:
    """Return (n, 2) actions; `touchy` is the chance of the touchy state."""
    from scipy import ndimage

    n, days = level.size, plan.reserve.shape[0]
    grids = (ACTIVE, PRESENT, EXPERIENCE, plan.levels)
    places = [
        np.interp(x, grid, np.arange(grid.size))
        for x, grid in zip((active, present, experience, level), grids, strict=True)
    ]
    chosen = np.zeros((2, n))
    for k, table in enumerate((plan.reserve, plan.exponent)):
        for state, chance in ((0, 1 - touchy), (1, touchy)):
            where = [np.minimum(day, days - 1), *places, np.full(n, state)]
            chosen[k] += chance * ndimage.map_coordinates(table, where, order=1, mode="nearest")
    return ranking_action(chosen[0] + level, chosen[1])


def ranking_action(log_reserve: Floats, exponent: Floats) -> NDArray[np.float32]:
    """Return the (n, 2) actions that set log reserves and exponents: the inverse of `RankTracker.decode`."""
    pair = np.stack([log_reserve / MAX_LOG_RESERVE, exponent * 2 / MAX_EXPONENT - 1.0], -1)
    return np.clip(pair, -1.0, 1.0).astype(np.float32)
