"""EcomAdsAuto-v0: bid under a budget and a target cost per conversion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.auto_bidding import dynamics
from sb3_ecom.envs.advertising.auto_bidding.auction import SLOTS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import MAX_LOG_MULTIPLIER, Outcome
from sb3_ecom.envs.advertising.auto_bidding.market import build_tables, capacity
from sb3_ecom.envs.advertising.auto_bidding.params import PRESETS, AutoParams
from sb3_ecom.envs.advertising.auto_bidding.render import render
from sb3_ecom.envs.advertising.auto_bidding.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.auto_bidding.state import HiddenState, ResetNoise, StepNoise
from sb3_ecom.envs.advertising.auto_bidding.tracker import LAYOUT, AutoTracker, Opening, Report
from sb3_ecom.envs.advertising.bid_multiplier import BidMultiplier, Control, check_control
from sb3_ecom.envs.advertising.bidding import BiddingTask
from sb3_ecom.envs.advertising.day_tables import make_day_tables

STEP = 0.3  # log multiplier per unit of an incremental action
Bids = Literal["one", "per_slot"]


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

    tracker: AutoTracker
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
        check_choice("preset", preset, PRESETS)
        check_control(control)
        check_choice("bids", bids, ("one", "per_slot"))
        try:
            self.params = AutoParams(**{**PRESETS[preset], **params})
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAdsAuto: {error}") from error
        self.bids = bids
        self.horizon = self.params.ticks
        weights = {"score": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.action_space = spaces.Box(-1.0, 1.0, (1 if bids == "one" else SLOTS,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)
        hidden = build_tables(self.params)
        self.tables = TaskTables(hidden, make_day_tables(hidden.traffic, hidden.traffic_left))
        self.tracker = self._make_tracker(control)

    def _make_tracker(self, control: Control) -> AutoTracker:
        p = self.params
        return AutoTracker(
            BidMultiplier(MAX_LOG_MULTIPLIER, STEP, control),
            p.ticks,
            p.auctions,
            p.rate,
            math.log(max(p.budget_low + p.budget_high, 1e-6) / 2),
            math.log((p.target_low + p.target_high) / 2),
        )

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw the day's market and campaign."""
        shape = (n, self.params.ticks + 1)  # more than there are blocks
        return ResetNoise(
            source.uniform(shape), source.uniform(shape), source.uniform((n, 3)), source.normal((n, 5))
        )

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw one tick: a flat pool of auctions large enough for all copies at the busiest hour."""
        return StepNoise(source.normal((n,)), source.uniform((4, capacity(self.params, n))))

    def start(self, noise: ResetNoise) -> tuple[HiddenState, Opening]:
        """Return mornings, budgets, targets and the multipliers of the day before."""
        hidden = dynamics.start(noise, self.params, self.tables.hidden)
        return hidden, Opening(hidden.budget, hidden.target, dynamics.start_multiplier(noise, self.params))

    def simulate(self, hidden: HiddenState, decision: Array, noise: StepNoise) -> tuple[HiddenState, Outcome]:
        """Bid through one tick."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return the platform's report of the tick."""
        return Report(
            outcome.auctions,
            outcome.mean_value,
            outcome.wins,
            outcome.spend,
            outcome.predicted,
            outcome.conversions,
            hidden.left,
        )

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the scores, conversions and minus the cost."""
        return reward_terms(outcome, self.params)

    def value_cpa_roi(self, outcome: Outcome) -> tuple[Array, Array, Array]:
        """Return predicted conversions of the tick, the CPA so far, and the ROI of the tick.

        The ROI is expected conversions over what the spend buys on target.
        """
        xp = array_namespace(outcome.wins)
        return outcome.predicted, outcome.cpa, outcome.expected / xp.clip(outcome.on_target, 1e-6, None)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the day so far."""
        return render(self.params, self.tables, state, outcome, row, mode)
