"""Dynamic programming over (day, satisfaction), with sampled pages for each mix of relevance and bait."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.recommendation.retention import dynamics
from sb3_ecom.envs.recommendation.retention.dynamics import Noise
from sb3_ecom.envs.recommendation.retention.params import RetentionParams

ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 37)  # of a page: cos = weight of relevance, sin = of bait


class Plan(NamedTuple):
    """Values and best mixes."""

    grid: Floats  # (B,) satisfaction
    value: Floats  # (days + 1, B) clicks to come at the start of a visit on that day
    angle: Floats  # (days, B) best mix


def sample_pages(params: RetentionParams, samples: int, seed: int) -> tuple[Floats, Floats]:
    """Return (A,) mean clicks and (A, samples) experiences of the mixes, all with the same chance."""
    draw = np.random.default_rng(seed)
    noise = Noise(
        draw.normal(size=(samples, params.candidates, 3)),
        draw.random((samples, params.slate_size)),
        draw.random(samples),
        np.zeros(samples),
    )
    state = dynamics.start(np.zeros(samples), params)  # intent (1, 0): pages depend on the mix alone
    clicks, experience = np.empty(len(ANGLES)), np.empty((len(ANGLES), samples))
    for number, angle in enumerate(ANGLES):
        weights = np.tile([np.cos(angle), 0.0, np.sin(angle)], (samples, 1))
        _, outcome = dynamics.step(state, weights, noise, params)
        clicks[number], experience[number] = outcome.expected.mean(), outcome.experience
    return clicks, experience


def solve(params: RetentionParams, *, bins: int = 81, samples: int = 600, seed: int = 0) -> Plan:
    """Solve V_t(s) = max over mixes of E[clicks + V at the next visit] on a grid of s, interpolated."""
    clicks, experience = sample_pages(params, samples, seed)
    grid = np.linspace(-3.0, 3.0, bins)
    chance = dynamics.return_chance(grid, params)
    value = np.zeros((params.days + 1, bins))
    angle = np.zeros((params.days, bins))
    after = dynamics.after_visit(grid[:, None, None], experience, params)  # (B, A, samples)
    place = np.clip((after - grid[0]) / (grid[1] - grid[0]), 0, bins - 1 - 1e-9)
    left = place.astype(np.int64)
    share = place - left
    for day in range(params.days - 1, -1, -1):
        # E over days away: later(s) = p V_{d+1} + (1 - p) p V_{d+2} + ...
        later, alive = np.zeros(bins), np.ones(bins)
        for following in range(day + 1, params.days):
            later += alive * chance * value[following]
            alive = alive * (1 - chance)
        returns = clicks + (later[left] * (1 - share) + later[left + 1] * share).mean(axis=2)
        value[day], angle[day] = returns.max(axis=1), ANGLES[returns.argmax(axis=1)]
    return Plan(grid, value, angle)


def best_angle(plan: Plan, day: Floats, satisfaction: Floats) -> Floats:
    """Return (n,) mixes of the plan at the nearest grid points."""
    row = np.clip(day.astype(np.int64), 0, len(plan.angle) - 1)
    step = plan.grid[1] - plan.grid[0]
    column = np.clip(np.rint((satisfaction - plan.grid[0]) / step), 0, len(plan.grid) - 1)
    return np.asarray(plan.angle[row, column.astype(np.int64)])
