"""Values of states fitted to simulated episodes: a critic that sees the hidden state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop

_SEED = 77  # of their customers


def fit_value(
    loop: StepLoop, act: Callable[[Array], Array], features: Callable[[object], Array], discount: float
) -> Array:
    """Return (F,) weights of discounted returns to come in (n, F) features of states, by least squares.

    Args:
        loop: copies of the task; each plays one episode.
        act: (n, d) observations -> actions of the policy whose returns are fitted.
        features: state -> (n, F) float; must not be views of the state, which goes on.
        discount: in [0, 1].
    """
    observation = loop.reset(_SEED)
    alive = np.ones(loop.num_envs, dtype=bool)
    states, rewards, counted = [], [], []
    for _ in range(loop.task.horizon):
        states.append(features(loop.state)[alive])
        counted.append(alive.copy())
        result = loop.step(act(observation))
        observation = result.observation
        rewards.append(result.reward * alive)
        alive[result.rows] = False
        if not alive.any():
            break
    value, returns = np.zeros(loop.num_envs), []
    for reward, there in zip(reversed(rewards), reversed(counted), strict=True):
        value = reward + discount * value
        returns.append(value[there])
    found, *_ = np.linalg.lstsq(np.concatenate(states), np.concatenate(returns[::-1]), rcond=None)
    return found.astype(np.float32)
