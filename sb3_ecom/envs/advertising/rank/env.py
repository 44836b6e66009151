"""EcomAdsRank-v0: a platform sets the reserve and the weight of predicted clicks, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.advertising.rank import dynamics
from sb3_ecom.envs.advertising.rank.dynamics import HiddenState, Outcome, Ranking, ResetNoise, StepNoise
from sb3_ecom.envs.advertising.rank.params import PRESETS, RankParams
from sb3_ecom.envs.advertising.rank.render import render
from sb3_ecom.envs.advertising.rank.rewards import TERMS, reward_terms
from sb3_ecom.envs.advertising.rank.tracker import LAYOUT, Opening, RankTracker, Report


class RankTask(Task):
    """Rank candidate ads into slots by bid x pCTR^g above a reserve, and keep users and advertisers.

    Bad ads earn today and drive users away; a high reserve and hard prices earn today and drive advertisers
    away. The value of a click to advertisers wanders, and how touchy users are switches; both are hidden,
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
        check_choice("preset", preset, PRESETS)
        self.params = make_params("EcomAdsRank", RankParams, **{**PRESETS[preset], **params})
        self.preset = preset
        self.horizon = self.params.days
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"revenue": 1.0})
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = LayoutBox(LAYOUT, -20.0, 20.0)
        self.tracker = RankTracker(self.horizon, self.params.click_rate * sum(self.params.exposure))

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

    def start(self, noise: ResetNoise) -> tuple[HiddenState, Opening]:
        """Return first mornings, and the shares of users and advertisers."""
        hidden = dynamics.start(noise, self.params)
        # Zeros of either sign, as in every trajectory of v0: they are equal, but not bit by bit.
        return hidden, Opening(hidden.active, hidden.present, noise.level * 0.0)

    def simulate(
        self, hidden: HiddenState, decision: Ranking, noise: StepNoise
    ) -> tuple[HiddenState, Outcome]:
        """Sell a day's pages."""
        return dynamics.step(hidden, decision, noise, self.params)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return the platform's own counts of the day."""
        return Report(
            outcome.log_bid,
            outcome.revenue,
            outcome.pages,
            outcome.coverage,
            outcome.clicks,
            outcome.predicted,
            hidden.active,
            hidden.present,
        )

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, counted and expected, welfare and relevance."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: platforms do not end."""
        return outcome.revenue < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return everything of the outcome."""
        return outcome._asdict()

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last days."""
        return render(self.params, self.tables, state, outcome, row, mode)
