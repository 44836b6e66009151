"""EcomRecBored-v0: pages for a visitor who tires of what he likes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.item_spaces import Items
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.boredom import dynamics
from sb3_ecom.envs.recommendation.boredom.diversified_page import topic_lists
from sb3_ecom.envs.recommendation.boredom.dynamics import HiddenTables, Outcome, ResetNoise, Visitor
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams
from sb3_ecom.envs.recommendation.boredom.render import render
from sb3_ecom.envs.recommendation.boredom.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.boredom.tracker import (
    HISTORY,
    BoredomTracker,
    Decision,
    PageEvent,
    PublicTables,
)


class BoredomTask(Task):
    """Fill pages for a visitor whom too much of one topic bores.

    He clicks what is close to his taste. Five clicks on one main topic among his last ten within five pages
    bore him for five pages, in which nothing ("car") or nothing of that topic ("tloi") interests him; so the
    greedy page earns most now and least later. Clicks move his taste towards what was clicked.

    Observation:
        Flat `LayoutBox`. Context: clicks per main topic that count towards boredom / 5 (10 floats, at most
        1), share of the visit that is over. History: the last 10 pages, each with validity, clicks / K, the
        mean vector of the items clicked and of the items shown (10 + 10 floats). Hidden: the taste and the
        boredom. The item vectors are public (``observation_space.items``).

    Action:
        ``action="slate"``: MultiDiscrete([N] * K), items from the top of the page; a repeat leaves its slot
        empty. Discrete(N) with ``slate_size=1``. ``action="ranker"``: Box[-1, 1]^(T + 1), the weights of the
        topics, and how much each further item of the same main topic is marked down.

    Reward:
        ``clicks`` (weight 1).

    Episode:
        100 pages, then truncated. It starts after one random page, whose clicks are not rewarded.

    Source:
        Deffayet et al. 2023, SARDINE (github.com/naver/sardine, v1.0.8): SlateTopK-BoredInf and its kin. Its
        influence blends the mean of all numbers of the clicked vectors into the taste
        (``influence="scalar"``); ours blends the mean vector. A repeated item counted twice there.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("clicks_per_page", "clicks", "length"),
        Metric("bored", "bored", "length"),
        Metric("relevance", "relevant", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("slate", "clicked")
    observation_space: LayoutBox

    def __init__(
        self, action: str = "slate", reward_weights: Mapping[str, float] | None = None, **params: Any
    ) -> None:
        check_choice("action", action, ("slate", "ranker"))
        self.params = make_params("EcomRecBored", BoredomParams, **params)
        p = self.params
        self.horizon = p.horizon
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0})
        items = p.catalogue().astype(np.float32)
        self.layout = Layout(p.topics + 1, HISTORY, 2 + 2 * p.topics)
        public = Items(items, np.zeros(p.items, np.float32), None)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0, items=public)
        self.action_space = self._actions(action)
        main = items.argmax(axis=1)
        propensity = p.position_decay ** np.arange(p.slate_size)
        self.tracker = BoredomTracker(p.topics, p.slate_size, p.horizon, p.remembered, p.window, p.bored_at)
        one_hot = np.eye(p.topics, dtype=np.float32)
        counts = np.cumsum(p.taste_counts)[:2].astype(np.float32)
        self.tables = TaskTables(
            HiddenTables(propensity.astype(np.float32), counts),
            PublicTables(items, main, one_hot, topic_lists(main, p.topics)),
        )

    def _actions(self, action: str) -> spaces.Space[Any]:
        p = self.params
        if action == "ranker":
            return spaces.Box(-1.0, 1.0, (p.topics + 1,), np.float32)
        return (
            spaces.Discrete(p.items) if p.slate_size == 1 else spaces.MultiDiscrete([p.items] * p.slate_size)
        )

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw visitors and their first page."""
        traits, page = (n, self.params.topics), (n, self.params.slate_size)
        return ResetNoise(
            source.uniform(traits),
            source.uniform(traits),
            source.uniform((n,)),
            source.uniform(page),
            source.uniform(page),
        )

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw the clicks of a page."""
        return source.uniform((n, self.params.slate_size))

    def start(self, noise: ResetNoise) -> tuple[Visitor, PageEvent]:
        """Return visitors after their first page."""
        return dynamics.start(noise, self.params, self.tables)

    def simulate(self, hidden: Visitor, decision: Decision, noise: Array) -> tuple[Visitor, Outcome]:
        """Show a page."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables)

    def public_event(self, hidden: Visitor, outcome: Outcome) -> PageEvent:
        """Return the page and its clicks."""
        return dynamics.event_of(outcome)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: a visit ends by the clock."""
        return outcome.total < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, bored pages and the relevance of the page."""
        return {"clicks": outcome.total, "bored": outcome.bored, "relevant": outcome.relevant}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page and its clicks."""
        return {"slate": outcome.slate, "clicked": outcome.clicks}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last page, the taste and the boredom."""
        return render(self.params, self.tables, state, outcome, row, mode)
