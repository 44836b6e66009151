"""Upper ends of a visit's clicks: greedy and rotating clairvoyants, and the cap of a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import simulate_oracle
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.boredom.baselines import as_action
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page
from sb3_ecom.envs.recommendation.boredom.dynamics import boredom_left, felt_taste, relevance
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask
from sb3_ecom.envs.recommendation.boredom.particles import CROWD, DISCOUNT

_EPISODES = 256


def greedy(loop: StepLoop) -> Policy:
    """See the taste and the boredom, and show the K items likeliest to be clicked now."""
    return _diversify(loop, 0.0, 0.0, felt=True)


def rotation(loop: StepLoop) -> Policy:
    """See the taste, and spread the page over the topics that please, away from those clicked lately."""
    return _diversify(loop, DISCOUNT, CROWD, felt=False)


def _diversify(loop: StepLoop, discount: float, crowd: float, felt: bool) -> Policy:
    task: Any = loop.task
    p, tables = task.params, task.tables.public

    def choose(observation: Array) -> Array:
        visitor, tracked = loop.state
        left = boredom_left(visitor.left, tracked.recent, p)
        taste = felt_taste(visitor.taste, left, p) if felt else visitor.taste
        cosine = taste @ tables.items.T
        scores = relevance(cosine, p) + 1e-3 * cosine  # the cosine breaks ties of sure clicks
        marks = np.full(len(taste), discount, dtype=np.float32)
        return as_action(
            task, diversified_page(tables.lists, scores, marks, crowd * tracked.recent, p.slate_size)
        )

    return choose


def oracle(task: BoredomTask) -> Oracle:
    """Return the rotating clairvoyant's return, simulated.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    only_weight(task, "clicks")
    return simulate_oracle(task, rotation, "best-known", "the visitor's taste; not the noise", _EPISODES)


def cap(task: BoredomTask) -> float:
    """Return the trivial bound: every slot of every page clicked with its propensity."""
    p = task.params
    return float(p.horizon * (p.position_decay ** np.arange(p.slate_size)).sum())
