"""EcomAds-v0: pace one campaign's daily budget over the auctions of a day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, check_reward_weights
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier, Control, check_control
from sb3_ecom.envs.advertising.bidding import BiddingTask
from sb3_ecom.envs.advertising.pacing import dynamics
from sb3_ecom.envs.advertising.pacing.dynamics import (
    FEATURES,
    HISTORY,
    REACH,
    Outcome,
    ResetNoise,
    State,
    StepNoise,
)
from sb3_ecom.envs.advertising.pacing.market import build_tables, capacity, mean_day_cost
from sb3_ecom.envs.advertising.pacing.params import Auction, PacingParams
from sb3_ecom.envs.advertising.pacing.presets import load_preset

LAYOUT = Layout(context=8, steps=HISTORY, features=FEATURES)
STRIDE = 0.5  # log multiplier per unit of an incremental action


class PacingTask(BiddingTask):
    """Pace one campaign's budget over a day of auctions.

    Each tick the campaign sets a multiplier and bids multiplier x predicted value in every auction. What a
    win is really worth depends on a hidden quality (time of day and a two-state regime) that shows only in
    the conversions, and the price level wanders. In the preset "newcampaign" nobody knows beforehand how far
    the predicted values are off as a whole, nor when in the day they are worth most, and conversions arrive
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
        check_control(control)
        if auction is not None:
            overrides["auction"] = auction
        params = load_preset(preset, PacingParams)
        try:
            self.params = replace(params, **overrides)
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAds: {error}") from error
        self.bid_multiplier = BidMultiplier(REACH, STRIDE, control)
        self.horizon = self.params.ticks
        self.day_cost = mean_day_cost(self.params)
        weights = {"conversions": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("conversions", "cost", "expected"))
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)
        self.tables = build_tables(self.params)

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

    def initial_state(self, noise: ResetNoise) -> State:
        """Return mornings."""
        return dynamics.start_day(noise, self.params, self.tables, self.day_cost / self.params.price_median)

    def step(self, state: State, action: Array, noise: StepNoise) -> tuple[State, Outcome]:
        """Set the multiplier and bid through one tick."""
        log_multiplier = self.bid_multiplier.apply(state.log_multiplier, action[:, 0])
        return dynamics.step(state, log_multiplier, noise, self.params, self.tables)

    def observe(self, state: State) -> Array:
        """Return what the bidder knows."""
        xp = array_namespace(state.left)
        tables, tick = self.tables, state.tick
        budget = xp.clip(xp.astype(state.budget, xp.float32), 1.0, None)
        left = xp.astype(state.left, xp.float32) / budget
        traffic = tables.traffic_left[tick]
        tension = xp.log(xp.clip(left, 1e-3, None) / xp.clip(traffic, 1e-3, None))
        scale = math.log(MICROS * self.day_cost / self.params.price_median)
        context = (
            tables.clock[tick, 0],
            tables.clock[tick, 1],
            1.0 - xp.astype(tick, xp.float32) / self.horizon,
            traffic,
            left,
            xp.clip(xp.log(budget) - scale, -8.0, 8.0) / 2.0,
            state.log_multiplier / REACH,
            xp.clip(tension, -3.0, 3.0),
        )
        past = xp.reshape(state.history[:, -HISTORY:], (state.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), xp.clip(past, -10.0, 10.0)], axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return conversions, minus cost, and expected conversions."""
        cost = outcome.spend * (-1.0 / self.params.price_median)
        return {"conversions": outcome.conversions, "cost": cost, "expected": outcome.expected}

    def worth(self, outcome: Outcome) -> tuple[Array, Array, Array]:
        """Return predicted value, CPA (without a conversion: the spend) and value per money, of the tick."""
        xp = array_namespace(outcome.wins)
        cpa = outcome.spend / xp.clip(outcome.conversions, 1.0, None)
        return outcome.value, cpa, outcome.value / xp.clip(outcome.spend, 1e-6, None)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the day so far."""
        from sb3_ecom.envs.advertising.pacing.render import draw_day, tell_day

        return tell_day(self, state, row) if mode == "ansi" else draw_day(self, state, row)
