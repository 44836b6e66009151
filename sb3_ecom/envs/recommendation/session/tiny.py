"""The tiny twin: a shop so small and a visitor so forgetful that backward induction solves the session.

Where nothing of the taste outlasts the next click (``retention`` is 0), nobody tires or loses patience, and
leaving depends on the last event only, a session is a Markov chain on (page, last item, closed items). Its
optimum is exact, and it is what the planners and the simulator itself are tested against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from sb3_ecom.core.arrays import Array, sigmoid
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visitor import catalogue_logits, leave_logit

_LARGEST = 8  # items: 2^N sets of closed items


@dataclass(frozen=True, kw_only=True)
class TinySolution:
    """The optimum of a tiny session, in clicks."""

    value: float  # expected clicks of a session under the optimal policy
    values: Array  # (horizon + 1, N, 2^N) by page, current item and set of closed items
    slates: Array  # (horizon, N, 2^N, K) the best page

    def policy(self, loop: StepLoop) -> Callable[[Array], Array]:
        """Return the optimal policy; all it reads of the state is observed."""

        def act(observation: Array) -> Array:
            tracked = loop.state.tracked
            mask = tracked.opened @ (1 << np.arange(tracked.opened.shape[1]))
            return self.slates[tracked.page.astype(int), tracked.last, mask]

        return act


def why_not_tiny(params: SessionParams) -> str:
    """Return what keeps the shop from being solved exactly, "" if nothing does."""
    reasons = {
        f"a catalogue of {params.catalogue.size} items, more than {_LARGEST}": params.catalogue.size
        > _LARGEST,
        "retention > 0": bool(params.catalogue.retention.any()),
        "exit_satisfaction != 0": params.exit_satisfaction != 0,
        "satiation_weight != 0": params.satiation_weight != 0,
        "patience_sd > 0": params.patience_sd != 0,
    }
    return ", ".join(reason for reason, holds in reasons.items() if holds)


def solve_tiny(task: SessionTask) -> TinySolution:
    """Solve a tiny session by backward induction over all pages, repeats (empty slots) included.

    Raises:
        ValueError: if the shop is none, naming why.
    """
    reason = why_not_tiny(task.params)
    if reason:
        raise ValueError(f"the exact solution needs a tiny shop, got {reason}")
    p, t = task.params, task.tables.hidden
    n, k = p.catalogue.size, p.slate_size
    pages = np.array(list(product(range(n), repeat=k)))  # (S, K)
    repeat = np.array([[page[slot] in page[:slot] for slot in range(k)] for page in pages.tolist()])
    masks = np.arange(1 << n)
    closed = (masks[:, None] >> np.arange(n)) & 1 == 1  # (M, N)
    empty = closed[:, pages] | repeat  # (M, S, K)
    stay_click = sigmoid(-leave_logit(p, 0.0, 0.0, t.exit_effect.astype(float)))  # (N,)
    stay = float(sigmoid(-leave_logit(p, 0.0, 0.0, p.exit_without_click)))
    values = np.zeros((p.horizon + 1, n, len(masks)))
    slates = np.zeros((p.horizon, n, len(masks), k), dtype=np.int64)
    chances = [_chances(task, item, pages, empty, closed) for item in range(n)]
    after = masks[:, None] | (1 << np.arange(n))  # (M, N) closed items after a click
    for page in range(p.horizon - 1, -1, -1):
        click_value = 1 + stay_click * values[page + 1][np.arange(n), after]  # (M, N)
        for item in range(n):
            click, nothing = chances[item]
            value = (click * click_value[:, pages]).sum(-1)
            value += nothing * (stay * values[page + 1, item])[:, None]
            best = value.argmax(1)
            values[page, item] = value[masks, best]
            slates[page, item] = pages[best]
    share = p.catalogue.entry_share / p.catalogue.entry_share.sum()
    start = values[0, np.arange(n), 1 << np.arange(n)]
    return TinySolution(value=float(share @ start), values=values, slates=slates)


def _chances(task: SessionTask, item: int, pages: Array, empty: Array, closed: Array) -> tuple[Array, Array]:
    """Return (M, S, K) chances of a click on each slot and (M, S) of none, for the current item."""
    t = task.tables.hidden
    landed = closed.sum(1) == 1  # no click yet: the taste is the landing item's
    taste = np.where(landed[:, None], t.start[item], t.click_update[item]).astype(float)  # (M, D)
    utility = catalogue_logits(t.quality, taste, t.item_factors)  # (M, N)
    weights = np.where(empty, 0.0, np.exp(utility[:, pages] + t.slot))
    total = weights.sum(-1) + float(t.outside[0])
    return weights / total[..., None], float(t.outside[0]) / total
