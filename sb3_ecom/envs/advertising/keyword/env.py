"""EcomAdsKeyword-v0: bid on keywords that share a daily budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.keyword import dynamics
from sb3_ecom.envs.advertising.keyword.dynamics import HiddenState, Outcome, ResetNoise, StepNoise
from sb3_ecom.envs.advertising.keyword.landscape import build_tables, typical_spend
from sb3_ecom.envs.advertising.keyword.params import PRESETS, KeywordParams
from sb3_ecom.envs.advertising.keyword.render import render
from sb3_ecom.envs.advertising.keyword.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.keyword.tracker import KeywordTracker, Opening, Report, layout


class KeywordTask(Task):
    """Set a bid per keyword and day; searches come one by one until the day's budget is gone.

    How a bid wins on a keyword, how often an impression is clicked and a click converts are hidden, differ
    between keywords and drift; what a conversion earns is known.

    Observation:
        Box(5 + 4 K + 4 (1 + 4 K)): share of days left, log of the daily budget over its mean, share of the
        budget spent yesterday, log price per click, share of searches met before the budget was gone; per
        keyword the revenue of a conversion, logs of impressions and clicks so far, and conversions per click
        so far (drawn to the prior); 4 days of history: validity, and per keyword root of bid, impression
        share, roots of clicks and conversions.

    Action:
        Box(K) in [-1, 1]: the root of the bid is linear in it, from 0 to the root of 1.6.

    Reward:
        ``revenue`` (weight 1) minus ``cost`` (weight 1): money of the day.

    Episode:
        60 days, truncated at the end. Every day has a budget of its own; what is not spent is lost to it.

    Source:
        Win curve, click price and the laws of the keywords: M. Gomrokchi et al., "AdCraft: an advanced
        reinforcement learning benchmark environment for search engine marketing optimization" (2023).
        Searches are simulated one by one. Assumed: drift, budgets, and that rarer conversions earn more,
        so that a click has the same value in every preset. The preset "adwords" has click rates and uneven,
        wandering volumes fitted to 609 AdWords keywords.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("profit", "reward"),
        Metric("roi", "revenue", "cost"),
        Metric("cpa", "cost", "conversions"),
        Metric("click_rate", "clicks", "impressions"),
        Metric("win_rate", "impressions", "searches"),
        Metric("budget_use", "cost", "budget"),
        Metric("pacing_error", "missed", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = (
        *("value", "cpa", "roi", "win_rate", "budget_use", "pacing_error"),
    )

    def __init__(
        self, preset: str = "dense", reward_weights: Mapping[str, float] | None = None, **params: Any
    ) -> None:
        check_choice("preset", preset, PRESETS)
        self.params = make_params("EcomAdsKeyword", KeywordParams, **{**PRESETS[preset], **params})
        k = self.params.keywords
        self.horizon = self.params.days
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"revenue": 1.0, "cost": 1.0})
        self.action_space = spaces.Box(-1.0, 1.0, (k,), np.float32)
        self.layout = layout(k)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        self.tables = TaskTables(build_tables(self.params), None)
        self.typical = typical_spend(self.params)
        self.tracker = KeywordTracker(
            k, self.horizon, self.params.volume, self.params.conversion_scale, self.typical
        )

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw keywords, drift and budget."""
        k = self.params.keywords
        keywords, drift, budget = source.uniform((n, k, 5)), source.normal((n, k, 2)), source.uniform((n,))
        volume = source.normal((n, k, 2)) if self.params.uneven else None
        return ResetNoise(keywords, drift, budget, volume)

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw a day's searches for all copies and the drift."""
        k = self.params.keywords
        mean = n * (self.params.volume * k)
        places = int(mean + 7.0 * np.sqrt(mean) + 10)  # seven standard deviations above the mean
        searches, count = source.uniform((2, places)), source.normal((n,))
        drift = source.normal((n, k, 2))
        return StepNoise(count, searches, drift, source.normal((n, k)) if self.params.uneven else None)

    def start(self, noise: ResetNoise) -> tuple[HiddenState, Opening]:
        """Return first mornings, their budgets and what conversions earn."""
        hidden = dynamics.start(noise, self.params, self.tables.hidden, self.typical)
        return hidden, Opening(hidden.budget, hidden.revenue)

    def simulate(self, hidden: HiddenState, decision: Array, noise: StepNoise) -> tuple[HiddenState, Outcome]:
        """Bid for a day."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return the day's report."""
        return Report(outcome.events, outcome.clicks, outcome.cost, outcome.met)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, minus cost, clicks and conversions."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: campaigns end by the calendar."""
        return outcome.cost < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return the (n,) quantities of the outcome."""
        counted = outcome._asdict()
        del counted["events"], counted["met"]
        return counted

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return figures of a report of the day; without a conversion the CPA is the cost.

        The value is the revenue; the pacing error the share of searches that came after the budget was gone.
        """
        xp = array_namespace(outcome.cost)
        return {
            "value": outcome.revenue,
            "cpa": outcome.cost / xp.clip(outcome.conversions, 1.0, None),
            "roi": outcome.revenue / xp.clip(outcome.cost, 1e-6, None),
            "win_rate": outcome.impressions / xp.clip(outcome.searches, 1.0, None),
            "budget_use": outcome.cost / xp.clip(outcome.budget, 1e-6, None),
            "pacing_error": outcome.missed,
        }

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the keywords."""
        return render(self.params, self.tables, state, outcome, row, mode)
