"""EcomAdsKeyword-v0: bid on keywords that share a daily budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.keyword import dynamics
from sb3_ecom.envs.advertising.keyword.dynamics import HISTORY, SEEN, Outcome, ResetNoise, State, StepNoise
from sb3_ecom.envs.advertising.keyword.landscape import build_tables, typical_spend
from sb3_ecom.envs.advertising.keyword.params import KeywordParams

CONTEXT = 5  # floats before the per-keyword ones
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # AdCraft's four densities: searches per keyword and day, and the scale of conversion rates.
    "dense": {"volume": 128.0},
    "semi_dense": {"volume": 64.0},
    "sparse": {"volume": 64.0, "conversion_scale": 0.125},
    "very_sparse": {"volume": 16.0, "conversion_scale": 0.125},
    # 609 AdWords keywords (Crealytics; only the fit ships). Fitted: click rates (beta-binomial), log mean
    # daily impressions per keyword N(2.96, 1.04), their spread within a keyword (.965, lag-1 .66). Assumed:
    # that the sum over keywords is steady, ten keywords, win curves, conversions and their worth.
    "adwords": {
        "volume": 33.1,  # exp(2.96 + 1.04^2 / 2)
        "volume_sd": 1.04,
        "volume_day_sd": 0.965,
        "volume_memory": 0.66,
        "click_alpha": 1.147,
        "click_beta": 34.8,
        "conversion_scale": 0.125,
    },
}


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
        so that a click is worth the same in every preset. The preset "adwords" has click rates and uneven,
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
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        try:
            self.params = KeywordParams(**{**PRESETS[preset], **params})
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAdsKeyword: {error}") from error
        k = self.params.keywords
        self.horizon = self.params.days
        weights = {"revenue": 1.0, "cost": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("revenue", "cost", "clicks", "conversions"))
        self.action_space = spaces.Box(-1.0, 1.0, (k,), np.float32)
        self.layout = Layout(context=CONTEXT + 4 * k, steps=HISTORY, features=1 + SEEN * k)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        self.tables = build_tables(self.params)
        self.typical = typical_spend(self.params)
        # Seven standard deviations above the mean number of searches of all copies.
        self._busy = self.params.volume * k

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw keywords, drift and budget."""
        k = self.params.keywords
        keywords, drift, budget = source.uniform((n, k, 5)), source.normal((n, k, 2)), source.uniform((n,))
        volume = source.normal((n, k, 2)) if self.params.uneven else None
        return ResetNoise(keywords, drift, budget, volume)

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw a day's searches for all copies and the drift."""
        places = int(n * self._busy + 7.0 * np.sqrt(n * self._busy) + 10)
        searches, count = source.uniform((2, places)), source.normal((n,))
        k = self.params.keywords
        drift = source.normal((n, k, 2))
        return StepNoise(count, searches, drift, source.normal((n, k)) if self.params.uneven else None)

    def initial_state(self, noise: ResetNoise) -> State:
        """Return first mornings."""
        return dynamics.start(noise, self.params, self.tables, self.typical)

    def step(self, state: State, action: Array, noise: StepNoise) -> tuple[State, Outcome]:
        """Bid for a day."""
        return dynamics.step(state, action, noise, self.params, self.tables)

    def observe(self, state: State) -> Array:
        """Return what the advertiser knows."""
        xp = array_namespace(state.click)
        budget = xp.astype(state.budget, xp.float32) / (self.typical * self.params.keywords * MICROS)
        context = (
            1.0 - xp.astype(state.day, xp.float32) / self.horizon,
            xp.log(xp.clip(budget, 1e-4, None)),
            state.last[:, 0],
            xp.log(xp.clip(state.last[:, 1], 1e-2, None)),
            state.last[:, 2],
        )
        impressions, clicks, conversions = (state.totals[..., i] for i in range(3))
        scale = self.params.conversion_scale
        parts = (
            xp.stack(context, axis=-1),
            state.revenue * scale,
            xp.log1p(impressions) / 5.0,
            xp.log1p(clicks) / 5.0,
            (conversions + 5.0 * scale) / (clicks + 7.0) / scale,
            xp.reshape(state.history, (state.history.shape[0], -1)),
        )
        return xp.clip(xp.concat(list(parts), axis=1), -19.0, 19.0)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, minus cost, clicks and conversions."""
        return {
            "revenue": outcome.revenue,
            "cost": -outcome.cost,
            "clicks": outcome.clicks,
            "conversions": outcome.conversions,
        }

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: campaigns end by the calendar."""
        return outcome.cost < 0.0

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return everything of the outcome."""
        return outcome._asdict()

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return what a report of the day shows; without a conversion the CPA is the cost.

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
        from sb3_ecom.envs.advertising.keyword.render import draw_keywords, tell_keywords

        return tell_keywords(self, state, row) if mode == "ansi" else draw_keywords(self, state, row)
