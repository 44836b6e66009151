"""EcomRecRetain-v0: a month of visits, whose number depends on what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.retention import dynamics
from sb3_ecom.envs.recommendation.retention.dynamics import Hidden, Noise, Outcome
from sb3_ecom.envs.recommendation.retention.params import RetentionParams
from sb3_ecom.envs.recommendation.retention.render import render
from sb3_ecom.envs.recommendation.retention.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.retention.tracker import FEATURES, HISTORY, Event, Opening, RetentionTracker


class RetentionTask(Task):
    """Weigh what fits today's intent against bait that is clicked today and resented tomorrow.

    One step is one visit. The page holds the K of M fresh candidates with the highest weighted score. Bait
    adds clicks and takes satisfaction, and satisfaction decides how many days pass until the next visit:
    a customer who is served well comes nearly twice as often.

    Observation:
        Flat `LayoutBox`. Context: today's intent (2 floats), share of the month gone, days since the last
        visit / 5. History: the last 10 visits, each with validity, clicks / K, mean relevance and mean bait
        of what was clicked, and the days until the next visit / 5 (at most 6). Hidden: the satisfaction.

    Action:
        Box[-1, 1]^3: weights of the candidates' two features and of their bait. Only their direction counts.

    Reward:
        ``clicks`` (weight 1); ``margin`` of bait clicked (weight 0); ``visits`` (weight 0), 1 a visit.

    Episode:
        30 days from the first visit; terminated when the month is over, after at most 30 visits.

    Source:
        Return hazards as a function of satisfaction: Zou et al. 2019 (arXiv:1902.05570), section 3; all
        numbers are assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("visits", "visits"),
        Metric("clicks_per_visit", "clicks", "visits"),
        Metric("margin", "margin"),
        Metric("experience", "experience", "visits"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("slate", "clicked")
    observation_space: LayoutBox

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = make_params("EcomRecRetain", RetentionParams, **params)
        self.horizon = self.params.days
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0})
        self.action_space = spaces.Box(-1.0, 1.0, (3,), np.float32)
        self.tracker = RetentionTracker(self.params.days, self.params.slate_size)
        self.layout = Layout(4, HISTORY, FEATURES)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw intents."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw the chance of one visit."""
        p = self.params
        items, click = source.normal((n, p.candidates, 3)), source.uniform((n, p.slate_size))
        return Noise(items, click, source.uniform((n,)), source.uniform((n,)))

    def start(self, noise: Array) -> tuple[Hidden, Opening]:
        """Return first visits."""
        hidden = dynamics.start(noise, self.params)
        return hidden, Opening(hidden.intent, hidden.day)

    def simulate(self, hidden: Hidden, decision: Array, noise: Noise) -> tuple[Hidden, Outcome]:
        """Pass one visit."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Hidden, outcome: Outcome) -> Event:
        """Return the clicks of the visit and the start of the next."""
        o = outcome
        return Event(o.total, o.relevance, o.bait, o.gap, hidden.intent, hidden.day)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, margin and visits."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the month is over."""
        return outcome.over

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return the terms and the experience."""
        return {**terms, "experience": outcome.experience}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page (places among the candidates) and its clicks."""
        return {"slate": outcome.slate, "clicked": outcome.clicks}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last visits and the satisfaction."""
        return render(self.params, self.tables, state, outcome, row, mode)
