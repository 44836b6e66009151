"""The states that a policy meets, and what it does there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least


class States(NamedTuple):
    """Observations along a policy's own way, its actions there, and which copy they are of."""

    observations: Array  # (n, d)
    actions: Array  # (n, ...) of the model that is explained
    copies: Array  # (n,) int64


def collect_states(model: Any, venv: VecEnv, states: int, *, actor: Any = None) -> States:
    """Run `actor` until `states` states (rounded up to whole steps) are seen; `model` says what to do there.

    Args:
        model: with SB3's `predict`; its deterministic actions are the labels.
        venv: of flat Box observations; it is reset.
        states: >= 1.
        actor: who acts, with SB3's `predict`; by default the model itself.

    Raises:
        ValueError: if `states` < 1.
    """
    check_at_least("states", states, 1)
    seen: list[Any] = []
    labels: list[Any] = []
    observation = venv.reset()
    for _ in range(-(-states // venv.num_envs)):
        label = model.predict(observation, deterministic=True)[0]
        seen.append(np.array(observation))
        labels.append(label)
        action = label if actor is None else actor.predict(observation, deterministic=True)[0]
        observation = venv.step(action)[0]
    copies = np.tile(np.arange(venv.num_envs), len(seen))
    return States(np.concatenate(seen), np.concatenate(labels), copies)
