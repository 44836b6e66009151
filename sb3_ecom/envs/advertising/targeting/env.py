"""EcomAdsTarget-v0: which creative, if any, a visitor sees on each page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.targeting import dynamics
from sb3_ecom.envs.advertising.targeting.dynamics import HiddenState, Impression, Noise, Outcome, Tables
from sb3_ecom.envs.advertising.targeting.params import PRESETS, TargetParams
from sb3_ecom.envs.advertising.targeting.render import render
from sb3_ecom.envs.advertising.targeting.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.targeting.tracker import Opening, Response, TargetTracker, layout


class TargetTask(Task):
    """Choose on every page of a visit which creative to show, or none.

    What a visitor likes is hidden and shows only in clicks; a creative tires the more it is shown, tired
    visitors leave sooner, a page without an ad lets them recover, and the visitor's budget of impressions is
    small.

    Observation:
        Box(2 + 3 K + 8 (2 + K)), K = 5: share of pages and of impressions left; per creative fatigue,
        impressions so far (log) and clicks so far (log); 8 pages of history: validity, clicked, and the
        creative shown (one-hot, all 0 for none).

    Action:
        Discrete(K + 1): a creative, or K for none. Without budget nothing is shown.

    Reward:
        ``clicks`` (weight 1) and ``price`` (weight 1): minus .02 per impression.

    Episode:
        One visit: terminated when the visitor leaves, truncated after 60 pages.

    Source:
        Spread of click rates between creatives from Upworthy's randomised tests (within-test sd of the log
        click rate .235); level, interests, wear and leaving are assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("clicks", "clicked"),
        Metric("click_rate", "clicked", "shown"),
        Metric("roi", "clicked", "cost"),
        Metric("cost_per_click", "cost", "clicked"),
        Metric("impressions", "shown"),
        Metric("pages", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("shown",)

    def __init__(
        self, preset: str = "default", reward_weights: Mapping[str, float] | None = None, **params: Any
    ) -> None:
        check_choice("preset", preset, PRESETS)
        self.params = make_params("EcomAdsTarget", TargetParams, **{**PRESETS[preset], **params})
        k = self.params.creatives
        self.horizon = self.params.pages
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0, "price": 1.0})
        self.action_space = spaces.Discrete(k + 1)
        self.layout = layout(k)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        self.tables = TaskTables(Tables(self.params.click_rates().astype(np.float32)), None)
        self.tracker = TargetTracker(k, self.horizon, self.params.budget, self.params.fatigue_levels)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw the visitors' types."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw the chance of one page."""
        return Noise(source.uniform((n,)), source.uniform((n,)))

    def start(self, noise: Array) -> tuple[HiddenState, Opening]:
        """Return visitors and their budgets."""
        hidden = dynamics.start(noise, self.params)
        return hidden, Opening(hidden.fatigue[:, 0] + self.params.budget)

    def simulate(
        self, hidden: HiddenState, decision: Impression, noise: Noise
    ) -> tuple[HiddenState, Outcome]:
        """Show a page."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Response:
        """Return the clicks."""
        return Response(outcome.clicked)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks and minus the price of impressions."""
        return reward_terms(outcome, self.params)

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the visitor left."""
        return outcome.left

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, impressions, expected clicks and the price of the impressions."""
        cost = outcome.shown * self.params.price
        return {
            "clicked": outcome.clicked,
            "shown": outcome.shown,
            "expected": outcome.click_rate,
            "cost": cost,
        }

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the visit."""
        return render(self.params, self.tables, state, outcome, row, mode)
