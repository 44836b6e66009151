"""EcomAdsRank-v0: a platform sets the reserve and the weight of predicted clicks, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.advertising.rank import dynamics
from sb3_ecom.envs.advertising.rank.dynamics import (
    FEATURES,
    HISTORY,
    RESERVE_REACH,
    TOP_EXPONENT,
    Outcome,
    ResetNoise,
    State,
    StepNoise,
)
from sb3_ecom.envs.advertising.rank.params import PRESETS, RankParams

LAYOUT = Layout(context=5, steps=HISTORY, features=FEATURES)
TERMS = ("revenue", "expected", "welfare", "relevance")


class RankTask(Task):
    """Rank candidate ads into slots by bid x pCTR^g above a reserve, and keep users and advertisers.

    Bad ads earn today and drive users away; a high reserve and hard prices earn today and drive advertisers
    away. What a click is worth to advertisers wanders, and how touchy users are switches; both are hidden,
    but bids and the number of active users tell of them.

    Observation:
        Box(77): share of days left, share of users active and of advertisers taking part, log reserve and
        exponent of yesterday; then 8 days of history: validity, mean log bid, log reserve, exponent, log
        revenue per page, share of exposure sold, clicks per page and predicted clicks per page (against a
        page full of median ads), change of the active share.

    Action:
        Box(2) in [-1, 1]: log of the reserve per click is 2.5 x the first (0 is the median value of a click
        at the mean level); the exponent g is .75 (1 + the second), from 0 (by bid) over 1 (by expected
        revenue) to 1.5.

    Reward:
        ``revenue`` (weight 1): paid for the day's clicks. With weight 0: ``expected``, revenue at the true
        click rates; ``welfare``, value of the clicks to advertisers; ``relevance``, true over median click
        rate of what users saw.

    Episode:
        60 days that start with random shares of users and advertisers; truncated at the end.

    Source:
        Ranking by bid x pCTR^g: S. Lahaie and D. Pennock, EC 2007. Generalised second price and its lowest
        symmetric equilibrium: H. Varian, "Position auctions", IJIO 25 (2007). Reserve: R. Myerson, "Optimal
        auction design", MOR 6 (1981). Spread of click rates from Upworthy's tests (log sd .69 between
        tests); how users and advertisers respond is assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("revenue", "revenue"),
        Metric("revenue_per_page", "revenue", "pages"),
        Metric("price_per_click", "revenue", "clicks"),
        Metric("advertiser_roi", "welfare", "revenue"),
        Metric("coverage", "coverage", "length"),
        Metric("relevance", "relevance", "length"),
        Metric("active_users", "active", "length"),
        Metric("advertisers", "present", "length"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("clicks", "reserve")

    def __init__(
        self, preset: str = "market", reward_weights: Mapping[str, float] | None = None, **params: Any
    ) -> None:
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        try:
            self.params = RankParams(**{**PRESETS[preset], **params})
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAdsRank: {error}") from error
        self.preset = preset
        self.horizon = self.params.days
        weights = {"revenue": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw users, advertisers and the hidden state."""
        return ResetNoise(source.uniform((n, 4)), source.normal((n,)))

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw a day's visitors, ads and clicks."""
        q, k = self.params.visitors, self.params.slots
        clicks, visits = source.uniform((n, q, k)), source.uniform((n, q))
        present = source.uniform((n, q, self.params.ads))
        ads = source.normal((3, n, q, self.params.ads))
        return StepNoise(visits, present, ads, clicks, source.normal((n,)), source.uniform((n,)))

    def initial_state(self, noise: ResetNoise) -> State:
        """Return first mornings."""
        return dynamics.start(noise, self.params)

    def step(self, state: State, action: Array, noise: StepNoise) -> tuple[State, Outcome]:
        """Sell a day's pages."""
        exponent = (action[:, 1] + 1.0) * (TOP_EXPONENT / 2)
        return dynamics.step(state, action[:, 0] * RESERVE_REACH, exponent, noise, self.params)

    def observe(self, state: State) -> Array:
        """Return what the platform knows."""
        xp = array_namespace(state.level)
        context = (
            1.0 - xp.astype(state.day, xp.float32) / self.horizon,
            state.active,
            state.present,
            state.reserve / RESERVE_REACH,
            state.exponent,
        )
        past = xp.reshape(state.history, (state.history.shape[0], -1))
        return xp.concat([xp.stack(context, -1), past], axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, counted and expected, welfare and relevance."""
        return {name: getattr(outcome, name) for name in TERMS}

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: platforms do not end."""
        return outcome.revenue < 0.0

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return everything of the outcome."""
        return outcome._asdict()

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks and the reserve per click."""
        return {"clicks": outcome.clicks, "reserve": outcome.reserve}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last days."""
        from sb3_ecom.envs.advertising.rank.render import draw_market, tell_market

        return tell_market(self, state, row) if mode == "ansi" else draw_market(self, state, outcome, row)
