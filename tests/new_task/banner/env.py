"""EcomThrowaway-v0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.task import Metric, Task, check_reward_weights

from . import dynamics
from .params import BannerParams
from .render import render
from .rewards import TERMS, reward_terms
from .tracker import BannerTracker, Event


class BannerTask(Task):
    """Show one of three banners on each page of a visit.

    Observation: share of pages seen, impressions and clicks of every banner over the horizon.
    Action: Discrete, the banner.
    Reward: 1 for a click.
    Episode: truncated after `horizon` pages.
    Source: made up for the tests.
    Versions: v0.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("ctr", "clicks", "length"),)
    step_info_keys: ClassVar[tuple[str, ...]] = ("banner",)

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = p = BannerParams(**params)
        self.horizon = p.horizon
        weights = {"clicks": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.action_space = spaces.Discrete(p.banners)
        self.observation_space = spaces.Box(0.0, 1.0, (1 + 2 * p.banners,), np.float32)
        self.tracker = BannerTracker(p)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw who likes what."""
        return source.uniform((n,))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw the chance of a click."""
        return source.uniform((n,))

    def start(self, noise: Array) -> tuple[Array, Event]:
        """Let n visitors land."""
        xp = array_namespace(noise)
        return xp.astype(noise * self.params.banners, xp.int64), Event(xp.zeros_like(noise))

    def simulate(self, hidden: Array, decision: Array, noise: Array) -> tuple[Array, dynamics.Outcome]:
        """Show the banners."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables)

    def public_event(self, hidden: Array, outcome: dynamics.Outcome) -> Event:
        """Return the clicks."""
        return Event(outcome.clicked)

    def terms(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the reward terms."""
        return reward_terms(outcome)

    def terminated(self, outcome: dynamics.Outcome) -> Array:
        """Return False: visits end by the clock."""
        return outcome.clicked < 0.0

    def step_info(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the banner shown."""
        return {"banner": outcome.banner}

    def render(self, state: Any, outcome: Any, row: int, mode: str) -> Any:
        """Draw the visit."""
        return render(self.params, self.tables, state, outcome, row, mode)
