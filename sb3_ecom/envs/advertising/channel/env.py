"""EcomAdsChannel-v0: spread a campaign's budget over channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.channel import dynamics
from sb3_ecom.envs.advertising.channel.dynamics import HiddenState, Outcome, ResetNoise, Spend, Tables
from sb3_ecom.envs.advertising.channel.params import ChannelParams
from sb3_ecom.envs.advertising.channel.render import render
from sb3_ecom.envs.advertising.channel.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.channel.tracker import ChannelTracker, Opening, Report, layout


class ChannelTask(Task):
    """Spread a campaign's income over channels with carry-over and saturation, or save it.

    Every day one unit of money comes in. What is spent on a channel builds a stock that works on for days
    and saturates; how well a channel works for this campaign is hidden and shows only in noisy revenue.
    Demand follows the week and a season whose height is known, so saving for it pays.

    Observation:
        Box(6 + 2 K + 7 (1 + 2 K)), K = 6: share of days left, log account, demand of the day, days to the
        season's height, sine and cosine of the weekday; per channel the stock over its saturation and the
        log of revenue earned so far over plan; 7 days of history: validity, spends, log revenue over plan.

    Action:
        Box(K + 1) in [-1, 1]: softmax of 4 x gives the shares of the account for each channel and, last,
        for saving.

    Reward:
        ``revenue`` (weight 1): revenue of the day. ``expected`` (weight 0): the same without daily noise.
        ``idle`` (weight 0): minus the money left over on the last day.

    Episode:
        90 days, truncated at the end; stock and money left then have no value.

    Source:
        Adstock with geometric carry-over and exponential saturation: S. Broadbent (1979), "One way TV
        advertisements work"; Jin et al. (2017), "Bayesian methods for media mix modeling". Weekday demand
        from AdWords keywords (Sunday 1.22, Friday .87); all other numbers are assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("revenue", "revenue"),
        Metric("return_on_spend", "revenue", "spend"),
        Metric("budget_use", "spend", "length"),
        Metric("mean_saved", "saved", "length"),
        Metric("left_over", "idle"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("spend", "roi", "budget_use")

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = make_params("EcomAdsChannel", ChannelParams, **params)
        k = self.params.channels
        self.horizon = self.params.days
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"revenue": 1.0})
        self.action_space = spaces.Box(-1.0, 1.0, (k + 1,), np.float32)
        self.layout = layout(k)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        weekday = np.asarray(self.params.weekday) / np.mean(self.params.weekday)
        constants = (self.params.ceiling, self.params.saturation, self.params.carry, weekday)
        public = Tables(*(np.asarray(values, dtype=np.float32) for values in constants))
        self.tables = TaskTables(None, public)
        self.tracker = ChannelTracker(self.horizon, k)

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw effects and dates."""
        return ResetNoise(source.normal((n, self.params.channels)), source.uniform((n, 2)))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw the noise of the day's revenue."""
        return source.normal((n, self.params.channels))

    def start(self, noise: ResetNoise) -> tuple[HiddenState, Opening]:
        """Return first mornings, and the calendar."""
        hidden = dynamics.start(noise, self.params, self.tables.public)
        return hidden, Opening(hidden.first_weekday, hidden.peak, hidden.demand)

    def simulate(self, hidden: HiddenState, decision: Spend, noise: Array) -> tuple[HiddenState, Outcome]:
        """Spend a day's money."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.public)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return the revenue by channel, and the demand of the next day."""
        return Report(outcome.channel_revenue, hidden.demand)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, expected revenue and minus the money left over."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: campaigns end by the calendar."""
        return outcome.spend < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return everything of the outcome but the revenue by channel."""
        counted = outcome._asdict()
        del counted["channel_revenue"]
        return counted

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the spend of the day, revenue over it, and its share of the account."""
        xp = array_namespace(outcome.spend)
        return {
            "spend": outcome.spend,
            "roi": outcome.revenue / xp.clip(outcome.spend, 1e-6, None),
            "budget_use": outcome.spend / (outcome.spend + outcome.saved),
        }

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last week of a campaign."""
        return render(self.params, self.tables, state, outcome, row, mode)
