"""EcomRecContext-v0: a page for every visitor, by hour, device and place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.context import dynamics
from sb3_ecom.envs.recommendation.context.dynamics import HiddenTables, Noise, Outcome, Visitor
from sb3_ecom.envs.recommendation.context.params import ContextParams
from sb3_ecom.envs.recommendation.context.render import render
from sb3_ecom.envs.recommendation.context.rewards import TERMS, reward_terms
from sb3_ecom.envs.recommendation.context.tracker import Arrival, ContextTracker, PageEvent, PublicTables


class ContextTask(Task):
    """Choose K of N items for each visitor; the next one is another person.

    What sells depends on the hour, the device and the place, and nothing that is shown changes who comes
    next: a contextual bandit whose best page can be computed, and a log's worth of which is known exactly.

    Observation:
        Flat `LayoutBox`. Context: sine and cosine of the hour, device (one-hot, 4), place (one-hot, 6).
        History: the last page, with validity and clicks per slot. It tells nothing about the next visitor.

    Action:
        MultiDiscrete([N] * K): items of the page; a repeat leaves its slot empty.

    Reward:
        ``clicks`` (weight 1).

    Episode:
        100 visitors, then truncated.

    Source:
        Shares of hours and of two visitor features from the Open Bandit Dataset (Saito et al. 2021,
        arXiv:2008.07146), click rate level of its full random log; how contexts change clicks is assumed, as
        the public sample can not tell.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ctr", "clicks", "impressions"),
        Metric("expected_clicks", "rate"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("slate", "clicked")
    observation_space: LayoutBox

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        self.params = make_params("EcomRecContext", ContextParams, **params)
        p = self.params
        self.horizon = p.horizon
        self.reward_weights = check_reward_weights(reward_weights, TERMS, {"clicks": 1.0})
        self.action_space = spaces.MultiDiscrete([p.items] * p.slate_size)
        devices, places = len(p.device_shares), len(p.place_shares)
        self.layout = Layout(2 + devices + places, 1, 1 + p.slate_size)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0)
        self.tracker = ContextTracker(p.slate_size)
        cumulative = (
            np.cumsum(shares) / np.sum(shares) for shares in (p.hour_shares, p.device_shares, p.place_shares)
        )
        angle = 2 * np.pi * np.arange(24) / 24
        clock = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        self.tables = TaskTables(
            HiddenTables(*map(_float32, (p.rates().reshape(-1, p.items), *cumulative))),
            PublicTables(*map(_float32, (clock, np.eye(devices), np.eye(places)))),
        )

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw first visitors."""
        return source.uniform((n, 3))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw clicks and the next visitors."""
        return Noise(source.uniform((n, self.params.slate_size)), source.uniform((n, 3)))

    def start(self, noise: Array) -> tuple[Visitor, Arrival]:
        """Return first visitors."""
        visitor = dynamics.draw_visitor(noise, self.tables.hidden)
        return visitor, Arrival(visitor, 0.0 * noise[:, 0])

    def simulate(self, hidden: Visitor, decision: Array, noise: Noise) -> tuple[Visitor, Outcome]:
        """Show a page to the visitor at hand."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.hidden)

    def public_event(self, hidden: Visitor, outcome: Outcome) -> PageEvent:
        """Return the clicks and who comes next."""
        return PageEvent(outcome.clicks, hidden)

    def context_row(self, state: State) -> Array:
        """Return the (n,) rows of `HiddenTables.rates` for the visitors at hand."""
        return dynamics.context_row(state.tracked.visitor, self.params)

    def action_masks(self, state: State) -> Array:
        """Return (n, K N) bool, all True: no item is closed; masks of single slots see no repeats."""
        observation = self.observe(state)
        places = self.params.items * self.params.slate_size
        return array_namespace(observation).concat([observation[:, :1] > -np.inf] * places, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: a day ends by its number of visitors."""
        return outcome.total < 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return clicks, items shown and expected clicks."""
        xp = array_namespace(outcome.rate)
        shown = xp.sum(xp.astype(outcome.slate >= 0, outcome.rate.dtype), axis=1)
        return {"clicks": outcome.total, "impressions": shown, "rate": outcome.rate}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page and its clicks."""
        return {"slate": outcome.slate, "clicked": outcome.clicks}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw the last page, and what would sell to the visitor at hand."""
        return render(self.params, self.tables, state, outcome, row, mode)


def _float32(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float32)
