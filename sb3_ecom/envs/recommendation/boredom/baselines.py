"""Fill pages from what was clicked: popular items, nearest items, rotations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page
from sb3_ecom.envs.recommendation.boredom.dynamics import relevance
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams

_VISITORS = 2000  # simulated, to learn what is popular


class ObservedPages(NamedTuple):
    """An observation in parts."""

    recent: Array  # (n, T) clicks per main topic that count towards boredom, at most the threshold
    valid: Array  # (n, H)
    clicks: Array  # (n, H)
    clicked: Array  # (n, H, T) mean item clicked
    shown: Array  # (n, H, T) mean item shown


def unscale(task: BoredomTask, observation: Array) -> ObservedPages:
    """Undo the scaling of `BoredomTracker.observe`."""
    context, history = task.layout.split(observation)
    p = task.params
    return ObservedPages(
        context[:, : p.topics] * p.bored_at,
        history[..., 0],
        history[..., 1] * p.slate_size,
        history[..., 2 : 2 + p.topics],
        history[..., 2 + p.topics :],
    )


def count_boredom(bored: Array, recent: Array, params: BoredomParams) -> Array:
    """Return the (n,) pages that boredom takes all interest, told from observed clicks.

    `boredom_left` of any topic.
    """
    bored = np.maximum(bored - 1, 0)
    starts = (recent >= params.bored_at - 1e-3).any(1) & (bored <= 0)
    return np.where(starts & (params.boredom == "car"), params.window, bored)


def as_action(task: BoredomTask, slate: Array) -> Array:
    """Return the (n, K) page as the action: (n,) where a page has one slot."""
    return slate[:, 0] if task.params.slate_size == 1 else slate


def _popular_items(task: BoredomTask) -> Array:
    """Return (N,) mean relevance over visitors, as a shop's log would tell it."""
    from sb3_ecom.core.arrays import NumpyBackend

    source = NumpyBackend(np.random.default_rng(0))
    state = task.initial_state(task.draw_reset(source, _VISITORS))
    return relevance(state.hidden.taste @ task.tables.public.items.T, task.params).mean(axis=0)


def popularity(task: BoredomTask) -> Policy:
    """Draw the items of every page in proportion to how many visitors they please.

    The same popular page always would bore: it earns less than a random one.
    """
    shares, generator = np.cumsum(_popular_items(task)), np.random.default_rng(0)
    size = task.params.slate_size

    def choose(observation: Array) -> Array:
        draws = generator.random((len(observation), size)) * shares[-1]
        return as_action(task, np.minimum(np.searchsorted(shares, draws, side="right"), shares.size - 1))

    return choose


def popular_page(task: BoredomTask) -> Array:
    """Return (K,) popular items, one main topic after the other: the best page to show always."""
    popular = _popular_items(task)[None]
    discount, none = np.full(1, 0.3 * popular.max()), np.zeros((1, task.params.topics))
    return diversified_page(task.tables.public.lists, popular, discount, none, task.params.slate_size)[0]


class _Nearest:
    """Show what is nearest to the clicks of the last pages, and random items where there were none.

    Args:
        task: whose pages are filled.
        memory: pages that count, >= 1.
        discount: what each better item of the same topic costs, in units of relevance; 0 is the plain list.
    """

    def __init__(self, task: BoredomTask, memory: int, discount: float) -> None:
        self._task, self._memory, self._discount = task, memory, discount
        self._generator = np.random.default_rng(0)

    def __call__(self, observation: Array) -> Array:
        """Choose."""
        task, p = self._task, self._task.params
        seen = unscale(task, observation)
        weight = seen.clicks[:, -self._memory :, None]
        taste = (seen.clicked[:, -self._memory :] * weight).sum(1)
        size = np.sqrt((taste**2).sum(1, keepdims=True))
        cosine = taste / np.maximum(size, 1e-9) @ task.tables.public.items.T
        # The rank among neighbours counts, not the click model's steepness: the taste is only an estimate.
        n = len(observation)
        scores, blank = cosine, np.flatnonzero(size[:, 0] <= 0)
        scores[blank] = self._generator.random((blank.size, p.items))
        head = seen.recent if self._discount else np.zeros_like(seen.recent)
        discount = np.full(n, self._discount, dtype=np.float32)
        return as_action(
            task, diversified_page(task.tables.public.lists, scores, discount, head, p.slate_size)
        )


def last_clicks(task: BoredomTask) -> Policy:
    """Show what is nearest to the last page's clicks: no memory beyond one page."""
    return _Nearest(task, 1, 0.0)


def nearest_rotation(task: BoredomTask, memory: float = 10.0, discount: float = 0.1) -> Policy:
    """Show what is near, spread over topics and away from those clicked lately."""
    return _Nearest(task, round(memory), discount)
