"""EcomRecCold-v0: sell items that nobody has sold before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.recommendation.cold_start import dynamics
from sb3_ecom.envs.recommendation.cold_start.dynamics import HISTORY, Outcome, ResetNoise, State, Tables
from sb3_ecom.envs.recommendation.cold_start.expected_advantage import ExpectedAdvantage
from sb3_ecom.envs.recommendation.cold_start.params import ColdParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


class ColdTask(Task):
    """Show one of N items at a time; all are new in every episode.

    How features sell is the same in every episode and can be learnt over episodes; what an item is worth
    beyond its features shows only in its own clicks, so every impression sells and explores at once.

    Observation:
        Flat `LayoutBox`. Context: share of impressions left; per item its F = 5 features, log(1 +
        impressions) / 3 and clicks / (impressions + 1). History: the last 8 impressions, each with
        validity, clicked, and the features of the item.

    Action:
        Discrete(N): the item to show.

    Reward:
        ``clicks`` (weight 1).

    Episode:
        200 impressions, then truncated.

    Source:
        The cold-start bandit of Li et al. 2010 (arXiv:1003.0146), with a logistic click model; sizes and
        spreads are assumed.

    Versions:
        v0: first.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ctr", "clicks", "length"),
        Metric("expected_ctr", "rate", "length"),
        Metric("regret", "regret"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("item", "clicked")
    observation_space: LayoutBox

    def __init__(self, reward_weights: Mapping[str, float] | None = None, **params: Any) -> None:
        try:
            self.params = ColdParams(**params)
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomRecCold: {error}") from error
        p = self.params
        self.horizon = p.horizon
        weights = {"clicks": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("clicks",))
        self.action_space = spaces.Discrete(p.items)
        self.layout = Layout(1 + p.items * (p.features + 2), HISTORY, 2 + p.features)
        candidates = Candidates(1, p.items, p.features, columns=2)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0, candidates=candidates)
        self.tables = Tables(p.weights.astype(np.float32))

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw items."""
        p = self.params
        return ResetNoise(source.normal((n, p.items, p.features)), source.normal((n, p.items)))

    def draw_step(self, source: Backend, n: int) -> Array:
        """Draw the chance of a click."""
        return source.uniform((n,))

    def initial_state(self, noise: ResetNoise) -> State:
        """Return seasons before the first impression."""
        return dynamics.start(noise, self.params, self.tables)

    def step(self, state: State, action: Array, noise: Array) -> tuple[State, Outcome]:
        """Show an item."""
        return dynamics.step(state, action, noise)

    def observe(self, state: State) -> Array:
        """Return features, impressions and clicks of the items, and the last impressions."""
        xp = array_namespace(state.logit)
        n = state.logit.shape[0]
        parts = [
            1.0 - state.step[:, None] / self.horizon,
            xp.reshape(state.features, (n, -1)),
            xp.log1p(state.shown) / 3.0,
            state.clicks / (state.shown + 1.0),
            xp.reshape(state.history, (n, -1)),
        ]
        return xp.concat(parts, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return {"clicks": outcome.clicked}

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: seasons end by the clock."""
        return outcome.clicked < 0.0

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, their chances and the regret."""
        return {"clicks": outcome.clicked, "rate": outcome.rate, "regret": outcome.regret}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the item and whether it was clicked."""
        return {"item": outcome.item, "clicked": outcome.clicked}

    def expected_advantage(self, discount: float) -> ExpectedAdvantage:
        """Return what tells the expected gain of items (`sb3.VecExpectedAdvantage`).

        Raises:
            ValueError: if the task lives on another backend than NumPy.
        """
        if not isinstance(self.tables.weights, np.ndarray):
            raise ValueError(f"expected_advantage needs NumPy arrays, got {type(self.tables.weights)}")
        return ExpectedAdvantage(self, discount)

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Show the items' records and their true click rates."""
        shown, clicks = np.asarray(state.shown[row].tolist()), np.asarray(state.clicks[row].tolist())
        rates = 1 / (1 + np.exp(-np.asarray(state.logit[row].tolist())))
        last = -1 if outcome is None or not float(outcome.clicked[row]) else int(outcome.item[row])
        page = [
            Row(
                f"item {j}: {clicks[j]:.0f} clicks of {shown[j]:.0f}", clicks[j] / max(shown[j], 1), j == last
            )
            for j in np.argsort(-shown, kind="stable")[:10]
        ]
        mind = [Row(f"item {j}", rates[j]) for j in np.argsort(-rates)[:12]]
        facts = [f"impression {int(state.step[row])} of {self.horizon}", f"{clicks.sum():.0f} clicks so far"]
        return show_cards(Cards("Cold start", facts, "shown most", page, "true click rates", mind), mode)
