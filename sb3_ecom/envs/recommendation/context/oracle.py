"""The best page of every context, exactly: visitors do not depend on what earlier ones were shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.context.baselines import best_page
from sb3_ecom.envs.recommendation.context.env import ContextTask


def page_value(task: ContextTask, page: Array) -> float:
    """Return the exact expected clicks of an episode with one (K,) page for all, or a (C, K) page by context.

    Contexts are numbered as `ContextTask.context_row` does. Pages must not repeat an item.
    """
    weight = task.params.weights().ravel()
    pages = np.broadcast_to(page, (weight.size, task.params.slate_size))
    rates = np.take_along_axis(task.params.rates().reshape(weight.size, -1), pages, axis=1)
    return float(task.params.horizon * weight @ rates.sum(axis=1))


def oracle(task: ContextTask) -> Oracle:
    """Return the exact optimum.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    weight = only_weight(task, "clicks")
    rates = task.params.rates().reshape(-1, task.params.items)
    return Oracle(
        kind="optimal",
        value=weight * page_value(task, best_page(rates, task.params.slate_size)),
        stderr=0.0,
        information="the click rates of every item in every context; observations tell the context",
        policy=clairvoyant,
    )


def clairvoyant(loop: StepLoop) -> Policy:
    """Know all click rates, and show the K best items of the context."""
    task: Any = loop.task
    pages = best_page(np.asarray(task.tables.hidden.rates), task.params.slate_size)
    return lambda observation: pages[task.context_row(loop.state)]


def best_constant(task: ContextTask) -> Array:
    """Return the (K,) page that sells most if all visitors get the same."""
    weight = task.params.weights().ravel()
    return best_page((weight @ task.params.rates().reshape(weight.size, -1))[None], task.params.slate_size)[0]
