"""The exact plan for a visitor whose click rates are known: dynamic programming over fatigue and budget."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.advertising.targeting.dynamics import (
    Impression,
    click_rate,
    leave_chance,
    next_fatigue,
)
from sb3_ecom.envs.advertising.targeting.params import TargetParams


class Plan(NamedTuple):
    """Values and best actions; a state is (pages seen, impressions left, fatigue code)."""

    value: Floats  # () expected reward of a whole visit
    action: NDArray[np.int8]  # (pages, budget + 1, states)


def fatigue_code(fatigue: NDArray[np.int64], levels: int) -> NDArray[np.int64]:
    """Return one number per row of (n, K) fatigue levels."""
    return np.asarray(fatigue @ levels ** np.arange(fatigue.shape[1]))


def solve(rates: Floats, params: TargetParams) -> Plan:
    """Solve V_t(b, s) = max over actions of reward + (1 - leave(s')) V_{t+1}(b', s'), exactly.

    Args:
        rates: (K,) click rates of this visitor without fatigue.
        params: wear, leaving, price and sizes.
    """
    k, levels = params.creatives, params.fatigue_levels
    codes = np.arange(levels**k)
    fatigue = codes[:, None] // levels ** np.arange(k) % levels
    creatives = np.concatenate([np.zeros((1, k)), np.eye(k)])  # none, then each
    nexts = [
        next_fatigue(fatigue, Impression(creative, creative.sum(keepdims=True)), levels)
        for creative in creatives
    ]
    stay = [1 - np.minimum(leave_chance(levels_after, params), 1.0) for levels_after in nexts]
    places = [fatigue_code(levels_after.astype(np.int64), levels) for levels_after in nexts]
    rewards = click_rate(rates, fatigue, params) - params.price  # (states, K)
    value = np.zeros((params.budget + 1, codes.size))
    action = np.empty((params.pages, *value.shape), dtype=np.int8)
    for page in range(params.pages - 1, -1, -1):
        best = stay[0] * value[:, places[0]]
        choice = np.full(best.shape, k, dtype=np.int8)
        for creative in range(k):
            later = stay[creative + 1] * value[:-1, places[creative + 1]]
            shown = np.full(best.shape, -np.inf)
            shown[1:] = rewards[:, creative] + later
            choice = np.where(shown > best, np.int8(creative), choice)
            best = np.maximum(shown, best)
        value, action[page] = best, choice
    return Plan(value[params.budget, 0], action)
