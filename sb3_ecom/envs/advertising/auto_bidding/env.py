"""EcomAdsAuto-v0: bid under a budget and a target cost per conversion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, check_reward_weights
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding import dynamics
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import (
    FEATURES,
    HISTORY,
    REACH,
    Outcome,
    ResetNoise,
    State,
    StepNoise,
)
from sb3_ecom.envs.advertising.auto_bidding.market import build_tables, capacity
from sb3_ecom.envs.advertising.auto_bidding.params import PRESETS, AutoParams
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier, Control, check_control
from sb3_ecom.envs.advertising.bidding import BiddingTask

LAYOUT = Layout(context=12, steps=HISTORY, features=FEATURES)
STRIDE = 0.3  # log multiplier per unit of an incremental action
Bids = Literal["one", "per_slot"]
TERMS = ("score", "counted_score", "final_score", "conversions", "cost")


class AutoTask(BiddingTask):
    """Bid for three slots of every page under a day's budget and a target cost per conversion (CPA).

    The bid is multiplier x target x predicted conversions, against the three highest of 47 rivals. Slots are
    looked at from the top (chances 1, .8, .6; whoever does not look at slot 2 does not look at slot 3), and
    only what is looked at is paid and can convert. True rates scatter about the predicted ones.

    Observation:
        Box(132): sine and cosine of the time, share of ticks and of mean traffic still to come, share of the
        budget left, logs of budget and target over the middle of their ranges, log multipliers (3), logs of
        the cost per conversion so far over the target, by predicted and by counted conversions (0 before any
        spend); then 12 ticks of history: validity, log multipliers (3), log traffic against the mean
        day, log mean predicted value against the mean, ten times the win rate, and logs of spend and of
        predicted and counted conversions against an even day on budget and target.

    Action:
        Box(1), or Box(3) with ``bids="per_slot"``, in [-1, 1]. ``control="incremental"``: add 0.3 x to the
        log multiplier (of each slot); ``"absolute"``: set it to 1.5 x. It stays within [-1.5, 1.5]; 0 bids
        the target. With a bid per slot the highest slot is won whose bid beats the rival's there.

    Reward:
        ``score`` (weight 1): change of V min(1, (target V / cost)^2), where V are the expected conversions of
        what was exposed: over the day it adds up to AuctionNet's score. With weight 0: ``counted_score``, the
        same from counted conversions; ``final_score``, all of that in the last tick; ``conversions``;
        ``cost``, minus the money spent over the middle target.

    Episode:
        One day of 48 ticks, truncated at its end; a spent budget does not end it.

    Source:
        AuctionNet: K. Xu et al., "AuctionNet: a novel benchmark for decision-making in large-scale games"
        (2024): value generator, exposure, score, budgets and targets of the sparse preset; rivals' bids are
        frozen at what 47 rivals bidding target x value bid (log-means of the highest three -1.79, -2.02,
        -2.16, log-sds .25, .22, .21). Assumed: that 25 impressions are sold as one, the knots of the traffic
        profile, and everything in the preset "biased".

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("score", "score"),
        Metric("counted_score", "final_score"),
        Metric("conversions", "conversions"),
        Metric("value", "predicted"),
        Metric("cpa", "spend", "conversions"),
        Metric("cpa_over_target", "on_target", "expected"),
        Metric("roi", "expected", "on_target"),
        Metric("win_rate", "wins", "auctions"),
        Metric("budget_use", "day_spend", "day_budget"),
        Metric("pacing_error", "pace_error", "length"),
    )

    def __init__(
        self,
        preset: str = "dense",
        control: Control = "incremental",
        bids: Bids = "one",
        reward_weights: Mapping[str, float] | None = None,
        **params: Any,
    ) -> None:
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        check_control(control)
        if bids not in ("one", "per_slot"):
            raise ValueError(f"bids must be one or per_slot, got {bids!r}")
        try:
            self.params = AutoParams(**{**PRESETS[preset], **params})
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAdsAuto: {error}") from error
        self.bid_multiplier, self.bids = BidMultiplier(REACH, STRIDE, control), bids
        self.horizon = self.params.ticks
        weights = {"score": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.action_space = spaces.Box(-1.0, 1.0, (1 if bids == "one" else SLOTS,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)
        self.tables = build_tables(self.params)

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw the day's market and campaign."""
        shape = (n, self.params.ticks + 1)  # more than there are blocks
        return ResetNoise(
            source.uniform(shape), source.uniform(shape), source.uniform((n, 3)), source.normal((n, 5))
        )

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw one tick: a flat pool of auctions large enough for all copies at the busiest hour."""
        return StepNoise(source.normal((n,)), source.uniform((4, capacity(self.params, n))))

    def initial_state(self, noise: ResetNoise) -> State:
        """Return mornings."""
        return dynamics.start_day(noise, self.params, self.tables)

    def step(self, state: State, action: Array, noise: StepNoise) -> tuple[State, Outcome]:
        """Set the multipliers and bid through one tick."""
        log_multiplier = self.bid_multiplier.apply(state.log_multiplier[:, : action.shape[1]], action)
        return dynamics.step(state, log_multiplier, noise, self.params, self.tables)

    def observe(self, state: State) -> Array:
        """Return what the bidder knows."""
        xp = array_namespace(state.left)
        tables, tick, p = self.tables, state.tick, self.params
        budget = xp.clip(xp.astype(state.budget, xp.float32) / MICROS, 1e-6, None)
        left = xp.astype(state.left, xp.float32) / MICROS
        spent = xp.clip(budget - left, 0.0, None)
        context = [
            tables.clock[tick, 0],
            tables.clock[tick, 1],
            1.0 - xp.astype(tick, xp.float32) / self.horizon,
            tables.traffic_left[tick],
            left / budget,
            xp.clip(xp.log(budget) - math.log(max(p.budget_low + p.budget_high, 1e-6) / 2), -8.0, 8.0),
            xp.log(state.target) - math.log((p.target_low + p.target_high) / 2),
            *(state.log_multiplier[:, k] / REACH for k in range(SLOTS)),
        ]
        for k in (1, 0):
            # Half a conversion more on each side: a day without conversions is not infinitely dear.
            ratio = xp.log((spent / state.target + 0.5) / (state.totals[:, k] + 0.5))
            context.append(xp.clip(ratio, -3.0, 3.0))
        past = xp.reshape(state.history[:, -HISTORY:], (state.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), past], axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the scores, conversions and minus the cost."""
        names = ("score", "counted_score", "final_score", "conversions")
        middle = (self.params.target_low + self.params.target_high) / 2
        cost = outcome.spend * (-1.0 / middle)
        return {**{name: getattr(outcome, name) for name in names}, "cost": cost}

    def value_cpa_roi(self, outcome: Outcome) -> tuple[Array, Array, Array]:
        """Return predicted conversions of the tick, the CPA so far, and the ROI of the tick.

        The ROI is expected conversions over what the spend buys on target.
        """
        xp = array_namespace(outcome.wins)
        return outcome.predicted, outcome.cpa, outcome.expected / xp.clip(outcome.on_target, 1e-6, None)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the day so far."""
        from sb3_ecom.envs.advertising.auto_bidding.render import draw_day, tell_day

        return tell_day(self, state, row) if mode == "ansi" else draw_day(self, state, row)
