"""EcomRecBored-v0: pages for a visitor who tires of what he likes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.item_spaces import Items
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.recommendation.boredom import dynamics
from sb3_ecom.envs.recommendation.boredom.dynamics import HISTORY, Outcome, ResetNoise, State
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams
from sb3_ecom.envs.recommendation.boredom.shelf import spread_page, topic_lists
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


class Tables(NamedTuple):
    """Constant arrays of visitors and of the ranker."""

    visit: dynamics.Tables
    lists: Array  # (T, L) items by main topic


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
        try:
            self.params = BoredomParams(**params)
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomRecBored: {error}") from error
        p = self.params
        self.horizon = p.horizon
        weights = {"clicks": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("clicks",))
        items = p.catalogue().astype(np.float32)
        self.layout = Layout(p.topics + 1, HISTORY, 2 + 2 * p.topics)
        public = Items(items, np.zeros(p.items, np.float32), None)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0, items=public)
        self.action_space = self._actions(action)
        main = items.argmax(axis=1)
        propensity = p.position_decay ** np.arange(p.slate_size)
        visit = dynamics.Tables(
            items,
            main,
            np.eye(p.topics, dtype=np.float32),
            propensity.astype(np.float32),
            np.cumsum(p.taste_counts)[:2].astype(np.float32),
        )
        self.tables = Tables(visit, topic_lists(main, p.topics))

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

    def initial_state(self, noise: ResetNoise) -> State:
        """Return visitors after their first page."""
        return dynamics.start(noise, self.params, self.tables.visit)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Show a page; item ids are the page itself, floats the weights of the ranker."""
        xp = array_namespace(action)
        slate = action[:, None] if action.ndim == 1 else action
        if xp.isdtype(action.dtype, "real floating"):
            slate = self.rank(action)
        return dynamics.step(state, slate, noise, self.params, self.tables.visit)

    def rank(self, action: Array) -> Array:
        """Return the (n, K) page of (n, T + 1) ranker weights."""
        topics = self.params.topics
        weights, discount = action[:, :topics], (action[:, topics] + 1.0) / 2.0
        scores = weights @ self.tables.visit.items.T
        return spread_page(self.tables.lists, scores, discount, 0.0 * weights, self.params.slate_size)

    def observe(self, state: State) -> Array:
        """Return recent clicks per topic and the last pages."""
        xp = array_namespace(state.taste)
        recent = xp.clip(state.recent / self.params.bored_at, 0.0, 1.0)
        parts = [recent, state.page[:, None] / self.horizon, xp.reshape(state.history, (recent.shape[0], -1))]
        return xp.concat(parts, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return {"clicks": outcome.total}

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: a visit ends by the clock."""
        return outcome.total < 0.0

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, bored pages and the relevance of the page."""
        return {"clicks": outcome.total, "bored": outcome.bored, "relevant": outcome.relevant}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page and its clicks."""
        return {"slate": outcome.slate, "clicked": outcome.clicks}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Show the last page, the taste and the boredom."""
        taste = [float(value) for value in state.taste[row]]
        page = []
        if outcome is not None:
            marks = outcome.clicks[row].tolist()
            for item, clicked in zip(outcome.slate[row].tolist(), marks, strict=True):
                vector = self.tables.visit.items[item]
                near = sum(float(v) * t for v, t in zip(vector, taste, strict=True))
                label = f"item {item}, topic {int(self.tables.visit.main[item])}" if item >= 0 else "empty"
                page.append(Row(label, near if item >= 0 else 0.0, clicked > 0))
        mind = []
        for topic, value in enumerate(taste):
            left, recent = int(state.left[row, topic]), int(state.recent[row, topic])
            words = f", bored for {left}" if left else f", {recent} recent clicks" if recent else ""
            mind.append(Row(f"topic {topic}{words}", value))
        facts = [f"page {int(state.page[row])} of {self.horizon}"]
        cards = Cards(
            "Boredom and influence", facts, "last page: closeness to the taste", page, "taste", mind
        )
        return show_cards(cards, mode)
