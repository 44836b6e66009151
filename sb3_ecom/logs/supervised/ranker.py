"""Supervised rankers: the page of likeliest clicks, or of clicks worth most with what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least, check_number
from sb3_ecom.core.registry import Policy, make_task
from sb3_ecom.core.task import Task
from sb3_ecom.logs.supervised.fits import fit_clicks, fit_mean, fit_value
from sb3_ecom.logs.supervised.pages import (
    Chooser,
    ServedPages,
    as_policy,
    explore,
    join_pages,
    serve_pages,
    uniform,
)
from sb3_ecom.logs.supervised.views import MixView, View, view_of

_SPARE = 24  # candidates beyond the page: some of them can not be chosen
_DINKELBACH = 4


class Ranker(NamedTuple):
    """Weights of a ranker that was fitted to served pages.

    Attributes:
        clicks: (f,) of the click model.
        value: (f,) of what a click adds to the later pages; None ranks by the chance of a click alone.
    """

    clicks: Array
    value: Array | None = None

    def chooser(self, view: View) -> Chooser:
        """Return the policy that chooses (n, K) items, best first."""

        def choose(observation: Array) -> Array:
            utility = view.scores(observation, self.clicks)
            later = 0.0 if self.value is None else view.scores(observation, self.value)
            if isinstance(view, MixView):
                return np.asarray((utility + later).argmax(1)[:, None])
            worth = np.maximum(1.0 + later, 0.0) + 0.0 * utility
            weight = np.exp(np.clip(utility, -30, 30))
            return _best_open(view, observation, weight, worth)

        return choose

    def policy(self, task: Task) -> Policy:
        """Return the policy of a task of the kind that served the pages."""
        view = view_of(task)
        return as_policy(view, self.chooser(view))


def _best_open(view: View, observation: Array, weight: Array, worth: Array) -> Array:
    """Return the (n, K) items whose page is worth most, without those that can not be chosen.

    One click: a page earns sum_j w_j v_j / (1 + sum_j w_j); Dinkelbach (1967) turns the ratio into a sort by
    w_j (v_j - its value). Clicks slot by slot: a sort by chance x value.
    """
    size, many = view.size, weight.shape[1]
    rank = weight * worth if view.one_click else weight / (1 + weight) * worth
    page = np.zeros((len(weight), size), dtype=np.int64)
    for _ in range(_DINKELBACH if view.one_click else 1):
        wanted = min(size + _SPARE, many)
        best = np.argpartition(-rank, wanted - 1, axis=1)[:, :wanted]
        order = np.argsort(-np.take_along_axis(rank, best, 1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, 1)
        first = np.argsort(view.closed(observation, best), axis=1, kind="stable")[:, :size]
        page = np.take_along_axis(best, first, 1)
        shown, earns = (np.take_along_axis(part, page, 1) for part in (weight, worth))
        value = (shown * earns).sum(1) / (1 + shown.sum(1))
        rank = weight * (worth - value[:, None])
    return page


def fit_ranker(pages: ServedPages, view: View, *, with_value: bool = False) -> Ranker:
    """Fit the click model, and with `with_value` what a click is worth later, to served pages."""
    if isinstance(view, MixView):
        value = fit_value(pages, of_shown=True) if with_value else None
        return Ranker(fit_mean(pages), value)
    clicks = fit_clicks(pages, one_click=view.one_click)
    return Ranker(clicks, fit_value(pages) if with_value else None)


class Round(NamedTuple):
    """A round of `log_policy_iteration`."""

    ranker: Ranker
    pages: int  # served so far, by all rounds


def log_policy_iteration(
    env_id: str,
    *,
    rounds: int = 3,
    episodes: int = 4000,
    share: float = 0.3,
    seed: int = 0,
    start: Callable[[Task, View], Chooser] | None = None,
    **kwargs: Any,
) -> list[Round]:
    """Log, fit, log: policy iteration that needs no simulator, only a shop that is willing to log.

    Each round serves visits with the last ranker, each slot filled with any item at a chance of `share`. The
    click model is fitted to the pages of all rounds, since clicks do not depend on who chose the page; what a
    click is worth later is fitted to the last round alone, since it depends on who chooses the later ones.

    Source: Lagoudakis and Parr (2003), "Least-squares policy iteration", JMLR 4, with a fit by regression on
    observed returns.

    Args:
        env_id: a recommendation id; a deployed shop stands in its place where `serve_pages` does.
        rounds: >= 1.
        episodes: visits a round.
        share: of slots that explore, in (0, 1].
        seed: of the visitors and of the exploration.
        start: what serves the first round; by default items at random.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Returns:
        The ranker of every round and the pages that were served for it.
    """
    check_at_least("rounds", rounds, 1)
    check_number("share", share, above=0, high=1)
    found: list[Round] = []
    logs: list[ServedPages] = []
    for number in range(rounds):
        last = found[-1].ranker if found else None

        def make(task: Task, view: View, last: Ranker | None = last, number: int = number) -> Chooser:
            anything = uniform(task, view, seed + number)
            if last is None:
                return anything if start is None else explore(start(task, view), anything, share, seed)
            return explore(last.chooser(view), anything, share, seed + number)

        logs.append(serve_pages(env_id, make, episodes=episodes, seed=seed + 1000 * (number + 1), **kwargs))
        view = view_of(make_task(env_id, **kwargs))
        clicks = fit_ranker(join_pages(logs), view).clicks
        value = fit_value(logs[-1], of_shown=isinstance(view, MixView))
        found.append(Round(Ranker(clicks, value), sum(map(len, logs))))
    return found
