"""EcomRecCold-v0: sell items that nobody has sold before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.cold_start import dynamics
from sb3_ecom.envs.recommendation.cold_start.dynamics import Hidden, Outcome, ResetNoise, Tables
from sb3_ecom.envs.recommendation.cold_start.expected_advantage import ExpectedAdvantage
from sb3_ecom.envs.recommendation.cold_start.params import ColdStartParams
from sb3_ecom.envs.recommendation.cold_start.render import render
from sb3_ecom.envs.recommendation.cold_start.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.cold_start.tracker import HISTORY, ColdStartTracker, Event, Opening


class ColdStartTask(Task):
    """Show one of N items at a time; all are new in every episode.

    How features sell is the same in every episode and can be learnt over episodes; an item's own quality
    beyond its features shows only in its own clicks, so every impression sells and explores at once.

    Observation:
        Flat `LayoutBox`. Context: share of impressions left; per item its F = 5 features, log(1 +
        impressions) / 3 and clicks / (impressions + 1). History: the last 8 impressions, each with
        validity, clicked, and the features of the item.

    Action:
        Discrete(N): the item to show.

    Reward:
        ``clicks`` (weight 1).

    Episode:
        200 impressions, then truncated.

    Source:
        The cold-start bandit of Li et al. 2010 (arXiv:1003.0146), with a logistic click model; sizes and
        spreads are assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ctr", "clicks", "length"),
        Metric("expected_ctr", "rate", "length"),
        Metric("regret", "regret"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("item", "clicked")
    observation_space: LayoutBox

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = make_params("EcomRecCold", ColdStartParams, **params)
        p = self.params
        self.horizon = p.horizon
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0})
        self.action_space = spaces.Discrete(p.items)
        self.layout = Layout(1 + p.items * (p.features + 2), HISTORY, 2 + p.features)
        candidates = Candidates(1, p.items, p.features, columns=2)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0, candidates=candidates)
        self.tracker = ColdStartTracker(p.horizon)
        self.tables = TaskTables(Tables(p.weights.astype(np.float32)), None)

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw items."""
        p = self.params
        return ResetNoise(source.normal((n, p.items, p.features)), source.normal((n, p.items)))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw the chance of a click."""
        return source.uniform((n,))

    def start(self, noise: ResetNoise) -> tuple[Hidden, Opening]:
        """Return new items and the features that the shop sees of them."""
        return dynamics.start(noise, self.params, self.tables.hidden), Opening(
            noise.features, 0.0 * noise.surprise
        )

    def simulate(self, hidden: Hidden, decision: Array, noise: Array) -> tuple[Hidden, Outcome]:
        """Show an item."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Hidden, outcome: Outcome) -> Event:
        """Return whether the item was clicked."""
        return Event(outcome.clicked)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: seasons end by the clock."""
        return outcome.clicked < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, their chances and the regret."""
        return {"clicks": outcome.clicked, "rate": outcome.rate, "regret": outcome.regret}

    def expected_advantage(self, discount: float) -> ExpectedAdvantage:
        """Return the expected advantage of items, on NumPy (`sb3.VecExpectedAdvantage`)."""
        return ExpectedAdvantage(self, discount)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the items' records and their true click rates."""
        return render(self.params, self.tables, state, outcome, row, mode)
