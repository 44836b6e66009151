"""EcomAdsTarget-v0: which creative, if any, a visitor sees on each page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.advertising.targeting import dynamics
from sb3_ecom.envs.advertising.targeting.dynamics import HISTORY, Noise, Outcome, State, Tables
from sb3_ecom.envs.advertising.targeting.params import PRESETS, TargetParams

CONTEXT = 2  # floats before the per-creative ones


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
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        try:
            self.params = TargetParams(**{**PRESETS[preset], **params})
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomAdsTarget: {error}") from error
        k = self.params.creatives
        self.horizon = self.params.pages
        weights = {"clicks": 1.0, "price": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("clicks", "price"))
        self.action_space = spaces.Discrete(k + 1)
        self.layout = Layout(context=CONTEXT + 3 * k, steps=HISTORY, features=2 + k)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        self.tables = Tables(self.params.click_rates().astype(np.float32))

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw the visitors' types."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw the chance of one page."""
        return Noise(source.uniform((n,)), source.uniform((n,)))

    def initial_state(self, noise: Array) -> State:
        """Return first pages."""
        return dynamics.start(noise, self.params)

    def step(self, state: State, action: Array, noise: Noise) -> tuple[State, Outcome]:
        """Show a page."""
        return dynamics.step(state, action, noise, self.params, self.tables)

    def observe(self, state: State) -> Array:
        """Return what the platform knows."""
        xp = array_namespace(state.fatigue)
        context = (1.0 - state.page / self.horizon, state.left / max(self.params.budget, 1))
        parts = [
            xp.stack(context, axis=-1),
            state.fatigue / (self.params.fatigue_levels - 1),
            xp.log1p(state.shown) / 2.0,
            xp.log1p(state.clicks),
            xp.reshape(state.history, (state.page.shape[0], -1)),
        ]
        return xp.concat(parts, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks and minus the price of impressions."""
        return {"clicks": outcome.clicked, "price": outcome.shown * (-self.params.price)}

    def terminated(self, outcome: Outcome) -> Array:
        """Return whether the visitor left."""
        return outcome.left

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, impressions, expected clicks and the price of the impressions."""
        cost = outcome.shown * self.params.price
        return {
            "clicked": outcome.clicked,
            "shown": outcome.shown,
            "expected": outcome.click_rate,
            "cost": cost,
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return whether an ad was shown."""
        return {"shown": outcome.shown}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the visit."""
        from sb3_ecom.envs.advertising.targeting.render import draw_visit, tell_visit

        return tell_visit(self, state, row) if mode == "ansi" else draw_visit(self, state, row)
