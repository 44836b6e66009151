"""The rungs of supervised rankers: fitted to a log of pages, measured in the common episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sb3_ecom.core.evaluate import PolicyMaker
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.task import Task
from sb3_ecom.logs.supervised import fit_ranker, log_policy_iteration, serve_pages, uniform, view_of

#: Click chance alone; with what a click is worth later, both from a random log; and logged and fitted again.
RANKERS = ("click_ranker", "value_ranker", "log_policy_iteration")
ROUNDS, SEED = 3, 4_000_000  # visitors of a log are nobody's whom a policy is measured on


class Fitted(NamedTuple):
    """A ranker as `sb3_ecom.evaluate` takes it, and what it took."""

    policy: PolicyMaker
    budget: str


def has_rankers(task: Task) -> bool:
    """Return whether the task shows items that a ranker could choose."""
    try:
        view_of(task)
    except ValueError:
        return False
    return True


def fit_supervised(env_id: str, name: str, visits: int, kwargs: Mapping[str, Any]) -> Fitted:
    """Serve a log and fit a ranker of `RANKERS` to it.

    Args:
        env_id: a recommendation id.
        name: of the ranker.
        visits: of a round's log.
        kwargs: of the environment.
    """
    if name == "log_policy_iteration":
        last = log_policy_iteration(env_id, rounds=ROUNDS, episodes=visits, seed=SEED, **kwargs)[-1]
        return Fitted(PolicyMaker(last.ranker.policy), f"{last.pages} pages in {ROUNDS} rounds")
    pages = serve_pages(env_id, uniform, episodes=visits, seed=SEED, **kwargs)
    view = view_of(make_task(env_id, **kwargs))
    ranker = fit_ranker(pages, view, with_value=name == "value_ranker")
    return Fitted(PolicyMaker(ranker.policy), f"{len(pages)} random pages")
