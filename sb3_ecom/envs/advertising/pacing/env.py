"""EcomAds-v0: pace one campaign's daily budget over the auctions of a day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_text
from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier, Control, check_control
from sb3_ecom.envs.advertising.bidding import BiddingTask
from sb3_ecom.envs.advertising.day_tables import make_day_tables
from sb3_ecom.envs.advertising.pacing import dynamics
from sb3_ecom.envs.advertising.pacing.dynamics import (
    MAX_LOG_MULTIPLIER,
    HiddenState,
    Outcome,
    ResetNoise,
    StepNoise,
)
from sb3_ecom.envs.advertising.pacing.feature_names import PACING_NAMES
from sb3_ecom.envs.advertising.pacing.market import build_tables, capacity, mean_day_cost
from sb3_ecom.envs.advertising.pacing.params import Auction
from sb3_ecom.envs.advertising.pacing.presets import load_preset
from sb3_ecom.envs.advertising.pacing.render import render
from sb3_ecom.envs.advertising.pacing.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.pacing.tracker import LAYOUT, Opening, PacingTracker, Report

_STEP = 0.5  # log multiplier per unit of an incremental action


class PacingTask(BiddingTask):
    """Pace one campaign's budget over a day of auctions.

    Each tick the campaign sets a multiplier and bids multiplier x predicted value in every auction. What a
    win really brings depends on a hidden quality (time of day and a two-state regime) that shows only in
    the conversions, and the price level wanders. In the preset "newcampaign" nobody knows beforehand how far
    the predicted values are off as a whole, nor when in the day they are best, and conversions arrive
    late: a bidder has to read all that from the day so far. The budget lasts for a fraction of the day's
    auctions, so money belongs where price per real value is lowest.

    Observation:
        Box(104): sine and cosine of the time, share of ticks and of mean traffic still to come, share of
        the budget left, log budget relative to a mean day's total cost, log multiplier, log of budget left
        over traffic left; then 12 ticks of history: validity, log multiplier, log traffic against the mean
        day, win rate, log spend against an even day, log price paid, root of conversions, root of the
        conversions that neutral quality would give.

    Action:
        Box(1) in [-1, 1]. ``control="incremental"``: add 0.5 x to the log multiplier;
        ``"absolute"``: set it to 3 x. It stays within [-3, 3]; 0 bids the median price for mean value.

    Reward:
        ``conversions`` (weight 1): conversions that arrived in the tick. ``cost`` (weight 0): minus the
        money spent relative to the median price, for a profit objective. ``expected`` (weight 0): expected
        conversions bought, without the noise of counting.

    Episode:
        One day of 48 ticks that starts with the multiplier of another day, truncated at its end; a spent
        budget does not end it. With a delay, conversions still on their way are credited in the last tick.

    Source:
        Second-price pacing: Balseiro and Gur, "Learning in repeated auctions with budgets", Management
        Science 65 (2019). Prices, traffic and values are fitted from public logs (see `presets`); auction-
        level spread, quality and conversion rate are assumed.

    Versions:
        v0: first.
    """

    tracker: PacingTracker
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("conversions", "conversions"),
        Metric("value", "value"),
        Metric("cpa", "spend", "conversions"),
        Metric("roi", "value", "spend"),
        Metric("win_rate", "wins", "auctions"),
        Metric("budget_use", "day_spend", "day_budget"),
        Metric("pacing_error", "pace_error", "length"),
    )

    def __init__(
        self,
        preset: str = "exchange3",
        control: Control = "incremental",
        auction: Auction | None = None,
        reward_weights: Mapping[str, float] | None = None,
        **overrides: Any,
    ) -> None:
        check_text("preset", preset)
        check_control(control)
        if auction is not None:
            overrides["auction"] = auction
        params = load_preset(preset)
        self.params = make_params("EcomAds", replace, params, **overrides)
        self.horizon = self.params.ticks
        self.day_cost = mean_day_cost(self.params)
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"conversions": 1.0})
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)
        hidden = build_tables(self.params)
        self.tables = TaskTables(hidden, make_day_tables(hidden.traffic, hidden.traffic_left))
        self.tracker = PacingTracker(
            BidMultiplier(MAX_LOG_MULTIPLIER, _STEP, control),
            self.horizon,
            self.params.price_median,
            self.params.conversion_rate,
            math.log(MICROS * self.day_cost / self.params.price_median),
        )

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw the day's market and budget."""
        normals, uniforms = source.normal((n, 6)), source.uniform((n, 3))
        return ResetNoise(normals, uniforms, source.normal((n,)), source.uniform((n,)))

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw one tick: a flat pool of auctions large enough for all copies at the busiest hour."""
        conversion, rare = source.normal((n,)), source.uniform((n,))
        batch = source.uniform((2, capacity(self.params, n)))
        count, market, switches = source.normal((n,)), source.normal((n, 3)), source.uniform((n, 2))
        return StepNoise(count, market, switches, batch, conversion, rare)

    def start(self, noise: ResetNoise) -> tuple[HiddenState, Opening]:
        """Return mornings, budgets and the multipliers of the day before."""
        hidden = dynamics.start(noise, self.params, self.day_cost / self.params.price_median)
        return hidden, Opening(hidden.budget, dynamics.start_multiplier(noise, self.params))

    def simulate(self, hidden: HiddenState, decision: Array, noise: StepNoise) -> tuple[HiddenState, Outcome]:
        """Bid through one tick."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return the DSP's report of the tick."""
        return Report(
            outcome.auctions, outcome.wins, outcome.spend, outcome.value, outcome.conversions, hidden.left
        )

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return conversions, minus cost, and expected conversions."""
        return reward_terms(outcome, self.params)

    def value_cpa_roi(self, outcome: Outcome) -> tuple[Array, Array, Array]:
        """Return predicted value, CPA (without a conversion: the spend) and value per money, of the tick."""
        xp = array_namespace(outcome.wins)
        cpa = outcome.spend / xp.clip(outcome.conversions, 1.0, None)
        return outcome.value, cpa, outcome.value / xp.clip(outcome.spend, 1e-6, None)

    def feature_names(self) -> FeatureNames:
        """Return what the floats of observations and actions are."""
        return PACING_NAMES

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the day so far."""
        return render(self.params, self.tables, state, outcome, row, mode)
