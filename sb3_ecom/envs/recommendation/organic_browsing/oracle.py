"""Upper bound on clicks from the true taste, and a steady taste solved exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Kind, Oracle, Policy
from sb3_ecom.envs.recommendation.organic_browsing.env import OrganicBrowsingTask
from sb3_ecom.envs.recommendation.organic_browsing.params import (
    MOST_CLICKED,
    OrganicBrowsingParams,
    click_rate,
)

_EPISODES = 1024


def clairvoyant(loop: StepLoop) -> Policy:
    """See the taste, and recommend what is likeliest to be clicked.

    A recommendation moves nothing but the click, and a click outweighs its later cost: a
    visitor who looks around may leave, but that risks a few percent of at most a dozen clicks to come.
    """
    tables: Any = loop.task.tables.hidden

    def choose(observation: Array) -> Array:
        return (loop.state.hidden.taste @ tables.answer.T + tables.answer_popularity).argmax(1)

    return choose


def _clicks_come_first(params: OrganicBrowsingParams) -> bool:
    """Return whether a click is worth more than what the look around after it may cost.

    It costs the clicks of visitors who leave then, and those of the events that it takes.
    """
    away = params.leave_organic + params.organic_to_bandit  # chance per event that the look around ends
    if away == 0:
        return False  # nobody is ever asked again
    asks = min(params.horizon, 1 / max((1 - MOST_CLICKED) * params.leave_bandit, 1e-9))
    return MOST_CLICKED * (params.leave_organic / away * asks + 1 / away) < 1


def oracle(task: OrganicBrowsingTask) -> Oracle:
    """Return the clairvoyant's return, simulated: no policy that must infer the taste can do better.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    only_weight(task, "clicks")
    kind: Kind = "bound" if _clicks_come_first(task.params) else "best-known"
    return simulate_oracle(task, clairvoyant, kind, "the visitor's taste; not the noise", _EPISODES)


def steady_taste_value(params: OrganicBrowsingParams, taste: Array) -> float:
    """Return the optimum for one visitor whose taste is known and does not wander, by value iteration.

    The states are looking around and being asked; horizon and product choice as in the task.

    Raises:
        ValueError: if the taste wanders.
    """
    if params.wander_sd != 0:
        raise ValueError(f"wander_sd must be 0 for the exact value, got {params.wander_sd}")
    loading, popularity, partner = params.catalogue()
    rates = click_rate(loading[partner] @ taste + popularity[partner])
    organic = asked = 0.0
    for _ in range(params.horizon):
        stay = 1 - params.leave_organic - params.organic_to_bandit
        looking = params.organic_to_bandit * asked + stay * organic
        missed = (
            params.bandit_to_organic * organic + (1 - params.leave_bandit - params.bandit_to_organic) * asked
        )
        asked = float(np.max(rates * (1 + organic) + (1 - rates) * missed))
        organic = looking
    return organic
