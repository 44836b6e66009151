"""EcomRecContext-v0: a page for every visitor, by hour, device and place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.envs.recommendation.context.params import ContextParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards
from sb3_ecom.envs.recommendation.slates import empty_repeats


class Tables(NamedTuple):
    """Constant arrays."""

    rates: Array  # (24 x D x P, N) click rates by context
    hour: Array  # (24,) cumulative shares
    device: Array  # (D,) cumulative shares
    place: Array  # (P,) cumulative shares
    clock: Array  # (24, 2) sine and cosine
    devices: Array  # (D, D) identity
    places: Array  # (P, P) identity


class Noise(NamedTuple):
    """Chance of one page."""

    click: Array  # (n, K) U[0, 1)
    visitor: Array  # (n, 3) U[0, 1), who comes next


class State(NamedTuple):
    """The visitor at hand."""

    hour: Array  # (n,) int
    device: Array  # (n,) int
    place: Array  # (n,) int
    clicks: Array  # (n, K) of the last page
    visitors: Array  # (n,) served


class Outcome(NamedTuple):
    """What one page brought."""

    slate: Array  # (n, K) int, -1 where a repeat left its slot empty
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    rate: Array  # (n,) expected clicks
    context: Array  # (n,) int, row of the rates


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
        try:
            self.params = ContextParams(**params)
        except TypeError as error:
            raise ValueError(f"unknown parameter of EcomRecContext: {error}") from error
        p = self.params
        self.horizon = p.horizon
        weights = {"clicks": 1.0} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("clicks",))
        self.action_space = spaces.MultiDiscrete([p.items] * p.slate_size)
        devices, places = len(p.device_shares), len(p.place_shares)
        self.layout = Layout(2 + devices + places, 1, 1 + p.slate_size)
        self.observation_space = LayoutBox(self.layout, -5.0, 5.0)
        angle = 2 * np.pi * np.arange(24) / 24
        cumulative = [
            np.cumsum(shares) / np.sum(shares) for shares in (p.hour_shares, p.device_shares, p.place_shares)
        ]
        arrays = (
            p.rates().reshape(-1, p.items),
            *cumulative,
            np.stack([np.sin(angle), np.cos(angle)], axis=1),
            np.eye(devices),
            np.eye(places),
        )
        self.tables = Tables(*(np.ascontiguousarray(array, dtype=np.float32) for array in arrays))

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw first visitors."""
        return source.uniform((n, 3))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw clicks and the next visitors."""
        return Noise(source.uniform((n, self.params.slate_size)), source.uniform((n, 3)))

    def initial_state(self, noise: Array) -> State:
        """Return first visitors."""
        xp = array_namespace(noise)
        zero = 0.0 * noise[:, 0]
        return State(*self._visitor(noise), xp.stack([zero] * self.params.slate_size, axis=1), zero)

    def _visitor(self, noise: Array) -> tuple[Array, Array, Array]:
        xp, tables = array_namespace(noise), self.tables
        found = []
        for column, cumulative in enumerate((tables.hour, tables.device, tables.place)):
            passed = xp.sum(xp.astype(noise[:, column, None] >= cumulative, xp.int64), axis=1)
            found.append(xp.clip(passed, 0, cumulative.shape[0] - 1))
        return found[0], found[1], found[2]

    def step(self, state: State, action: Array, noise: Noise) -> tuple[State, Outcome]:
        """Show a page to the visitor at hand."""
        xp, tables = array_namespace(action), self.tables
        slate = empty_repeats(action)
        row = self.context_row(state)
        rate = tables.rates[row[:, None], xp.where(slate < 0, 0 * slate, slate)]
        rate = rate * xp.astype(slate >= 0, rate.dtype)
        clicks = xp.astype(noise.click < rate, rate.dtype)
        after = State(*self._visitor(noise.visitor), clicks * 1.0, state.visitors + 1.0)
        return after, Outcome(slate, clicks, xp.sum(clicks, axis=1), xp.sum(rate, axis=1), row)

    def context_row(self, state: State) -> Array:
        """Return (n,) rows of `Tables.rates` for the visitors at hand."""
        devices, places = self.tables.devices.shape[0], self.tables.places.shape[0]
        return (state.hour * devices + state.device) * places + state.place

    def observe(self, state: State) -> Array:
        """Return the visitor's context and the last page's clicks."""
        xp, tables = array_namespace(state.visitors), self.tables
        valid = xp.astype(state.visitors > 0, state.clicks.dtype)[:, None]
        parts = [tables.clock[state.hour], tables.devices[state.device], tables.places[state.place], valid]
        return xp.concat([*parts, state.clicks], axis=1)

    def action_masks(self, state: State) -> Array:
        """Return (n, K N) bool, all True: no item is closed; masks of single slots see no repeats."""
        observation = self.observe(state)
        places = self.params.items * self.params.slate_size
        return array_namespace(observation).concat([observation[:, :1] > -np.inf] * places, axis=1)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks."""
        return {"clicks": outcome.total}

    def terminated(self, outcome: Outcome) -> Array:
        """Return False: a day ends by its number of visitors."""
        return outcome.total < 0.0

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return clicks, items shown and expected clicks."""
        xp = array_namespace(outcome.rate)
        shown = xp.sum(xp.astype(outcome.slate >= 0, outcome.rate.dtype), axis=1)
        return {"clicks": outcome.total, "impressions": shown, "rate": outcome.rate}

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return the page and its clicks."""
        return {"slate": outcome.slate, "clicked": outcome.clicks}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Show the last page, and what would sell to the visitor at hand."""
        rates = np.asarray(self.tables.rates[int(self.context_row(state)[row])].tolist())
        page = []
        if outcome is not None:
            before = np.asarray(self.tables.rates[int(outcome.context[row])].tolist())
            for item, clicked in zip(outcome.slate[row].tolist(), outcome.clicks[row].tolist(), strict=True):
                words = f"item {item}: {100 * before[item]:.1f}%" if item >= 0 else "empty"
                page.append(Row(words, before[item] / before.max() if item >= 0 else 0.0, clicked > 0))
        facts = [
            f"visitor {int(state.visitors[row]) + 1} of {self.horizon}",
            f"{int(state.hour[row])} h, device {int(state.device[row])}, place {int(state.place[row])}",
        ]
        mind = [
            Row(f"item {j}: {100 * rates[j]:.1f}%", rates[j] / rates.max()) for j in np.argsort(-rates)[:12]
        ]
        return show_cards(Cards("Context", facts, "last page", page, "click rates now", mind), mode)
