"""EcomRecEvolution-v0: pages for a viewer whose interests follow what he watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace, index_range
from sb3_ecom.core.checks import check_choice, check_flag
from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.evolution import dynamics
from sb3_ecom.envs.recommendation.evolution.dynamics import (
    Documents,
    Outcome,
    ResetNoise,
    StepNoise,
    Tables,
    Viewer,
)
from sb3_ecom.envs.recommendation.evolution.expected_advantage import EvolutionAdvantage
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams
from sb3_ecom.envs.recommendation.evolution.render import render
from sb3_ecom.envs.recommendation.evolution.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.evolution.tracker import (
    FACTS,
    HISTORY,
    EvolutionTracker,
    Opening,
    PageEvent,
)


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
        check_flag("repeats", repeats)
        self.params = make_params("EcomRecEvolution", EvolutionParams, **params)
        p = self.params
        self.repeats, self.interests = repeats, interests
        self.horizon = p.horizon
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"watched": 1.0})
        self.action_space = spaces.MultiDiscrete([p.candidates] * p.slate_size)
        shown = p.topics if interests == "observed" else 0
        self.layout = Layout(shown + p.candidates * p.topics, HISTORY, FACTS + p.topics)
        documents = Candidates(shown, p.candidates, p.topics)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0, candidates=documents)
        quality = p.topic_quality.astype(np.float32)
        self.tracker = EvolutionTracker(p.topics, p.candidates, p.length, repeats)
        tables = Tables(quality, np.eye(p.topics, dtype=np.float32))
        self.tables = TaskTables(tables, tables)

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

    def start(self, noise: ResetNoise) -> tuple[Viewer, Opening]:
        """Return viewers before their first page."""
        viewer = dynamics.start(noise, self.params, self.tables.hidden)
        nothing = array_namespace(viewer.interest).zeros_like(viewer.interest[:, :1])
        return viewer, Opening(viewer.topic, nothing, self._seen(viewer))

    def simulate(self, hidden: Viewer, decision: Array, noise: StepNoise) -> tuple[Viewer, Outcome]:
        """Show a page."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Viewer, outcome: Outcome) -> PageEvent:
        """Return what was watched, and the documents of the next page."""
        watched = (outcome.clicked, outcome.topic, outcome.watched, outcome.quality)
        return PageEvent(*watched, hidden.topic, self._seen(hidden))

    def _seen(self, viewer: Viewer) -> Array | None:
        return viewer.interest if self.interests == "observed" else None

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return minutes watched and clicks."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the budget is spent."""
        return outcome.done

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, minutes and the quality of what was watched."""
        return {"clicked": outcome.clicked, "watched": outcome.watched, "quality": outcome.quality}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page (places among the candidates), its topics, and 1 where it was watched."""
        xp = array_namespace(outcome.slot)
        places = index_range(self.params.slate_size, outcome.slot)
        watched = xp.astype(outcome.slot[:, None] == places[None, :], outcome.clicked.dtype)
        return {"slate": outcome.slate, "topics": outcome.topics, "clicked": watched}

    def expected_advantage(self, discount: float) -> EvolutionAdvantage:
        """Return the expected advantage of pages, on NumPy (`sb3.VecExpectedAdvantage`)."""
        return EvolutionAdvantage(self, discount)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last page and the viewer's interests."""
        return render(self.params, self.tables, state, outcome, row, mode)
