"""From an observation to item scores and a page: trained policies and rules in one form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Array, is_floating
from sb3_ecom.core.registry import Spec, spec
from sb3_ecom.core.task import Task
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.ranker import item_scores
from sb3_ecom.envs.recommendation.session.tracker import Session, SessionTracker
from sb3_ecom.live.catalogue import LiveCatalogue
from sb3_ecom.live.exploration import Exploration
from sb3_ecom.live.forms import refusal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: (1, d) observation -> (1, ...) action and (1, N) scores, None where the policy has none.
ScoredPolicy = Callable[[Array], tuple[Array, Array | None]]


class ItemScores(NamedTuple):
    """The policy's opinion of all items in one place of a visit."""

    action: Array  # (1, ...) the policy's own
    scores: Floats  # (N + M,) of every item, higher is better


class Shown(NamedTuple):
    """A page and the chances with which it was drawn."""

    page: Ints  # (K,) item numbers, -1 where a slot stays empty
    propensities: Floats  # (K,) each given the items above it; 1 for an empty slot


class LivePolicy(Protocol):
    """A policy that can serve: an exported folder (`DeployedPolicy`) or a rule."""

    @property
    def name(self) -> str:
        """Name and version, as decision logs hold it."""

    @property
    def env_id(self) -> str:
        """Id of its task."""

    @property
    def task(self) -> Task:
        """The task whose tracker and tables it needs."""

    def act_with_scores(self, observation: Array) -> tuple[Array, Array | None]:
        """Return (n, ...) actions, and the (n, N) scores of all items where it has them."""


class RulePolicy:
    """A baseline, or the user's own rule, as a policy that can serve: no model is needed to begin.

    Args:
        env_id: an id of a session.
        rule: a baseline's name, or `make(task) -> policy(observation)`.
        **kwargs: of the id, such as `preset`.

    Raises:
        ValueError: if there is no baseline of that name.
    """

    def __init__(self, env_id: str, rule: str | Callable[[Any], Any], **kwargs: Any) -> None:
        self.env_id = env_id
        self.task: Task = spec(env_id).make_task(**kwargs)
        self.name = rule if isinstance(rule, str) else getattr(rule, "__name__", "rule")
        self._policy = rule_policy(spec(env_id), self.task, rule)

    def act_with_scores(self, observation: Array) -> tuple[Array, Array | None]:
        """Return the rule's actions; a rule has no scores."""
        return self._policy(observation)


def rule_policy(entry: Spec, task: Task, rule: str | Callable[[Any], Any]) -> ScoredPolicy:
    """Return a baseline of the task by name, or the user's own `make(task) -> policy(observation)`.

    Raises:
        ValueError: if there is no baseline of that name.
    """
    if isinstance(rule, str):
        if rule not in entry.baselines:
            raise ValueError(
                f"a rule of {entry.id} must be one of {', '.join(entry.baselines)}, got {rule!r}"
            )
        rule = entry.baselines[rule]
    policy = rule(task)
    return lambda observation: (np.asarray(policy(observation)), None)


def score_items(
    policy: ScoredPolicy, task: SessionTask, catalogue: LiveCatalogue, tracked: Session
) -> ItemScores:
    """Return what a policy does and how it scores all items.

    A ranker's action scores every item. A policy with scores of its own is taken at its word. Where there is
    but a page, its items come first in their order, then the others by popularity.

    Raises:
        ValueError: if a score is not a number.
    """
    action, scores = policy(observe(task, catalogue, tracked))
    if is_floating(np.asarray(action)):
        tables = catalogue.tables
        found = item_scores(tables, np.asarray(action), tracked.last, tracked.counts)[0]
    elif scores is not None and np.ndim(scores) == 2:
        found = catalogue.extend_scores(np.asarray(scores[0], dtype=np.float64))
    else:
        popular = np.argsort(np.argsort(catalogue.tables.log_popularity, kind="stable"))
        found = popular / len(popular)
        page = np.ravel(action)
        found[page[::-1]] = np.arange(1, len(page) + 1)
    found = np.asarray(found, dtype=np.float64)
    if np.isnan(found).any():
        raise ValueError("the policy's scores are not finite")
    return ItemScores(np.asarray(action), found)


def observe(task: SessionTask, catalogue: LiveCatalogue, tracked: Session) -> Array:
    """Return the (1, d) observation that the policy was trained on, without floats of new items."""
    if len(catalogue.ids) > catalogue.trained:
        tracked = tracked._replace(opened=tracked.opened[:, : catalogue.trained])
    return task.tracker.observe(tracked, catalogue.tables)


def closed_items(catalogue: LiveCatalogue, tracked: Session | None) -> NDArray[np.bool_]:
    """Return (N + M,) bool: items that are not on sale, or were opened in this visit."""
    closed = ~catalogue.available
    return closed if tracked is None else closed | tracked.opened[0]


def decided_page(task: SessionTask, catalogue: LiveCatalogue, tracked: Session, action: Array) -> Ints:
    """Return the (K,) page that an action stands for in the environment, -1 where a slot stays empty."""
    return np.asarray(task.tracker.decode(tracked, action, catalogue.tables)[0], dtype=np.int64)


def draw_page(
    scores: Floats,
    closed: NDArray[np.bool_],
    size: int,
    catalogue: LiveCatalogue,
    explore: Exploration,
    generator: np.random.Generator,
) -> Shown:
    """Draw a page of at most `size` open items; its last slot goes to a new item with `new_share`."""
    masked = np.where(closed, -np.inf, scores)
    page = explore.draw(masked, size, generator)
    if page.size and catalogue.new_share and generator.random() < catalogue.new_share:
        fresh = _fresh(masked, page, catalogue)
        if fresh.size:
            page[-1] = generator.choice(fresh)
    return Shown(page, page_propensities(masked, page, catalogue, explore))


def page_propensities(masked: Floats, page: Ints, catalogue: LiveCatalogue, explore: Exploration) -> Floats:
    """Return the (K,) chances that `draw_page` shows these items, each given those above it.

    Args:
        masked: (N + M,) scores, -inf of closed items.
        page: (K,) open items.
        catalogue: whose `new_share` mixes new items into the last slot.
        explore: of the page.
    """
    chances = explore.propensities(masked, page)
    if page.size and catalogue.new_share:
        fresh = _fresh(masked, page, catalogue)
        if fresh.size:
            share = catalogue.new_share
            chances[-1] = (1 - share) * chances[-1] + share * float(page[-1] in fresh) / fresh.size
    return chances


def _fresh(masked: Floats, page: Ints, catalogue: LiveCatalogue) -> Ints:
    """Return the new items that are open and not above the last slot."""
    fresh = np.flatnonzero(catalogue.new & (masked > -np.inf))
    return fresh[~np.isin(fresh, page[:-1])]


def session_task(policy: LivePolicy) -> SessionTask:
    """Return the task of a policy of sessions.

    Raises:
        ValueError: if it is of another id than EcomRec-v0 and its kin.
    """
    task = policy.task
    if not isinstance(task, SessionTask) or type(task.tracker) is not SessionTracker:
        raise refusal("Recommender", policy.env_id)
    return task
