"""A policy from a model of logged clicks: the page of items that go with what the visitor clicked."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.session.baselines import ObservedClicks
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.ranker import best_open


class _ClickModel(Protocol):
    """Interface of `sb3_ecom.logs.ItemKnn` and `PureSvd`."""

    popularity: Array  # (N,) reward per impression

    def scores(self, items: Array, weights: Array) -> Array:
        """Return (n, N) scores for (n, T) clicked items, -1 where none, with (T,) weights."""
        ...


def from_clicks(
    task: SessionTask, model: _ClickModel, *, fading: float = 0.6, popularity: float = 0.1
) -> Policy:
    """Show the K best items for the landing item and the clicks, none of them again.

    Args:
        task: of `EcomRec-v0`, `EcomRecSlate-v0` or `EcomRecSingle-v0`.
        model: fitted to a log of the task's items.
        fading: weight of a click over that of the next one, in [0, 1].
        popularity: weight of the items' reward per impression, whose largest counts as 1, beside scores
            whose largest counts as 1; >= 0.

    Raises:
        ValueError: on a number out of bounds, or a model of another catalogue.
    """
    clicks = ObservedClicks(task)
    if not 0 <= fading <= 1:
        raise ValueError(f"fading must be in [0, 1], got {fading}")
    if not popularity >= 0:
        raise ValueError(f"popularity must be >= 0, got {popularity}")
    if len(model.popularity) != clicks.size:
        raise ValueError(f"the model must know the shop's {clicks.size} items, got {len(model.popularity)}")
    age = fading ** np.arange(clicks.layout.steps)[::-1]
    popular = popularity * model.popularity / max(model.popularity.max(), 1e-12)
    flat = task.action == "single"

    def policy(observation: Array) -> Array:
        items = clicks.items(observation)
        scores = model.scores(items, np.where(items >= 0, age, 0.0))
        scores = scores / np.maximum(scores.max(1, keepdims=True), 1e-12) + popular
        page = best_open(scores, clicks.opened(items), task.params.slate_size)
        return page[:, 0] if flat else page

    return policy
