"""EcomRecEvolution-v0: pages for a viewer whose interests follow what he watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace, index_range
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.recommendation.evolution import dynamics
from sb3_ecom.envs.recommendation.evolution.dynamics import (
    FACTS,
    HISTORY,
    Documents,
    Outcome,
    ResetNoise,
    State,
    StepNoise,
    Tables,
)
from sb3_ecom.envs.recommendation.evolution.expected_advantage import ExpectedAdvantage
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


class EvolutionTask(Task):
    """Show K of m fresh documents on every page until the viewer's time is spent.

    What pleases now is not what keeps him: a good document gives back most of the time it takes, a poor one
    takes more than its length, and each document watched moves the viewer's interest in its topic.

    Observation:
        Flat `LayoutBox`. Context: the viewer's interests (T = 20 floats in [-1, 1]; none with
        ``interests="hidden"``) and the topics of the m = 10 candidates (one-hot, m x T). History: the last 5
        pages, each with validity, clicked, share of the document watched, quality / 3 of what was watched,
        and its topic (one-hot). Hidden: the time left, and a document's quality until it is watched.

    Action:
        MultiDiscrete([m] * K): places among the candidates. A repeat stands for the next candidate that is
        not on the page yet; with ``repeats=True`` it counts twice, as the published code allows.

    Reward:
        ``watched`` (weight 1): minutes watched. ``clicks`` (weight 0).

    Episode:
        Terminated when the budget of 200 minutes is spent.

    Source:
        RecSim's interest evolution: Ie et al. 2019, "RecSim" (arXiv:1909.04847) and "SlateQ"
        (arXiv:1905.12767, section 6); same definitions, code of our own.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ctr", "clicked", "length"),
        Metric("minutes", "watched"),
        Metric("quality", "quality", "clicked"),
        Metric("pages", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("slate", "topics", "clicked")
    observation_space: LayoutBox

    def __init__(
        self,
        repeats: bool = False,
        interests: str = "observed",
        reward_weights: Mapping[str, float] | None = None,
        **params: Any,
    ) -> None:
        check_choice("interests", interests, ("observed", "hidden"))
        try:
            self.params = EvolutionParams(**params)
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomRecEvolution: {error}") from error
        p = self.params
        self.repeats, self.interests = repeats, interests
        self.horizon = p.horizon
        weights = {"watched": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("watched", "clicks"))
        self.action_space = spaces.MultiDiscrete([p.candidates] * p.slate_size)
        shown = p.topics if interests == "observed" else 0
        self.layout = Layout(shown + p.candidates * p.topics, HISTORY, FACTS + p.topics)
        documents = Candidates(shown, p.candidates, p.topics)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0, candidates=documents)
        quality = p.topic_quality.astype(np.float32)
        self.tables = Tables(quality, np.eye(p.topics, dtype=np.float32))

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw viewers and their first candidates."""
        return ResetNoise(source.uniform((n, self.params.topics)), self._draw_documents(source, n))

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw the choice, the drift and the next candidates."""
        pair = source.uniform((2, n))
        return StepNoise(pair[0], pair[1], self._draw_documents(source, n))

    def _draw_documents(self, source: Backend, n: int) -> Documents:
        shape = (n, self.params.candidates)
        return Documents(source.uniform(shape), source.normal(shape))

    def initial_state(self, noise: ResetNoise) -> State:
        """Return viewers before their first page."""
        return dynamics.start(noise, self.params, self.tables)

    def step(self, state: State, action: Array, noise: StepNoise) -> tuple[State, Outcome]:
        """Show a page."""
        return dynamics.step(state, action, noise, self.params, self.tables, self.repeats)

    def observe(self, state: State) -> Array:
        """Return interests, the candidates' topics and the last pages."""
        xp = array_namespace(state.interest)
        n = state.interest.shape[0]
        parts = [
            xp.reshape(self.tables.one_hot[state.topic], (n, -1)),
            xp.reshape(state.history, (n, -1)),
        ]
        if self.interests == "observed":
            parts.insert(0, state.interest)
        return xp.concat(parts, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return minutes watched and clicks."""
        return {"watched": outcome.watched, "clicks": outcome.clicked}

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the budget is spent."""
        return outcome.done

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, minutes and the quality of what was watched."""
        return {"clicked": outcome.clicked, "watched": outcome.watched, "quality": outcome.quality}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page (places among the candidates), its topics, and 1 where it was watched."""
        xp = array_namespace(outcome.slot)
        places = index_range(self.params.slate_size, outcome.slot)
        watched = xp.astype(outcome.slot[:, None] == places[None, :], outcome.clicked.dtype)
        return {"slate": outcome.slate, "topics": outcome.topics, "clicked": watched}

    def expected_advantage(self, discount: float) -> ExpectedAdvantage:
        """Return what tells the expected gain of pages (`sb3.VecExpectedAdvantage`).

        Raises:
            ValueError: if the task lives on another backend than NumPy.
        """
        if not isinstance(self.tables.one_hot, np.ndarray):
            raise ValueError(f"expected_advantage needs NumPy arrays, got {type(self.tables.one_hot)}")
        return ExpectedAdvantage(self, discount)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Show the last page and the viewer's interests."""
        page = []
        facts = [f"budget left {float(state.budget[row]):.1f} minutes (hidden)"]
        if outcome is not None:
            facts.append(f"watched {float(outcome.watched[row]):.1f} minutes")
            slot = int(outcome.slot[row])
            for place, topic in enumerate(outcome.topics[row].tolist()):
                mean = float(self.tables.topic_quality[topic])
                share = (mean - self.params.lowest_quality) / 6.0
                page.append(Row(f"topic {topic}, mean quality {mean:+.2f}", share, place == slot))
        values = [float(value) for value in state.interest[row]]
        order = sorted(range(len(values)), key=lambda topic: -values[topic])
        mind = [Row(f"topic {topic} ({values[topic]:+.2f})", (values[topic] + 1) / 2) for topic in order]
        cards = Cards("Interest evolution", facts, "last page", page, "interests, highest first", mind[:12])
        return show_cards(cards, mode)
