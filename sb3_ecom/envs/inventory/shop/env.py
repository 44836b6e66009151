"""A web shop's warehouse: what the buyer sees, does and earns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.item_spaces import Blocks
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, check_reward_weights
from sb3_ecom.envs.inventory.arithmetic import positive
from sb3_ecom.envs.inventory.demand import sample
from sb3_ecom.envs.inventory.shop.buyer_view import LARGEST, LOT_DAYS, REACH, SHARED, ShopReader
from sb3_ecom.envs.inventory.shop.demand_params import YEAR
from sb3_ecom.envs.inventory.shop.dynamics import Noise, Outcome, State, calendar_factor, level, step
from sb3_ecom.envs.inventory.shop.params import ShopParams
from sb3_ecom.envs.inventory.shop.presets import load_preset
from sb3_ecom.envs.inventory.shop.promotions import IDLE, PromotionNoise, Promotions, lift_ahead
from sb3_ecom.envs.inventory.shop.render import draw_shop
from sb3_ecom.envs.inventory.shop.rewards import TERMS, item_rewards, reward_terms
from sb3_ecom.envs.inventory.shop.tables import catalogue, make_rules, make_tables

_PRESET = "online_retail_uk"
_NUM_ITEMS = 10  # of the shipped preset, unless more are asked for
_START_DAYS = 10.0  # days of mean demand on the shelf at the start


class ResetNoise(NamedTuple):
    """What chance decides at the start."""

    date: Array  # (n, 2) U[0, 1): weekday and day of the year
    drift: Array  # (n, N) N(0, 1): hidden rates


class ShopTask(ShopReader):
    """Buy N items of a web shop, day by day, for half a year; demand is hidden where the shelf is empty.

    Each day: orders are placed; customers buy what is on the shelf, the rest is lost and never seen; due
    deliveries arrive, pro rata where the shared storage has no room for all. Demand is Poisson-gamma with a
    hidden rate that drifts, a weekday and a yearly profile, all fitted to a real shop's log.

    Observation: LayoutBox of context + history x (1 + 2N), float32. Context: weekday (7, one-hot), sin and
        cos of the season (2), share of the storage that is used (1), the same with all under way (1), and per
        item log(1 + days of mean demand) on the shelf, under way, and due in three days (3N), log of the
        textbook estimate of the drifting rate (N), and log of stock position over the forecast demand until
        an order arrives (N). History (newest last): valid, log(1 + sales / mean) and "shelf was empty" per
        item. With promotions, before the history: the rest of the one that runs, and the share of the time
        to cover that one takes (2N).
    Action: ``action="reorder"`` (default): Box[-1, 1]^2N. Per item a reorder point, exp(1.5 a) x the forecast
        demand until an order arrives, and a lot, exp(1.5 b) x 7 days of forecast demand: at or below the
        point, order up to point + lot. All zeros is a textbook rule. ``action="quantity"``: Box[-1, 1]^N, the
        square of (a + 1) / 2, times 14 days of mean demand.
    Reward: "margin" (of units sold) + "lost" (goodwill of lost units) + "holding" + "lines" (order lines) +
        "overflow" (units that found no room) + "trucks", costs negative, in units of the shop's mean daily
        margin. ``info["item_reward"]`` holds every item's part (N).
    Options, off by default: ``promotions_a_year`` (announced, of uncertain uplift), ``substitution`` (share
        of customers who take the neighbouring item where the shelf is empty; they count among its sales),
        ``dispatch_days`` (the only weekdays on which orders leave), ``truck_cost`` and ``truck_days`` (the
        orders of a day share trucks).
    Episode: truncated after `horizon` days (182); it starts on any day of the year.
    Source: demand is fitted to "Online Retail" (Chen, Sain and Guo 2012, a UK gift web shop) by
        ``python -m sb3_ecom calibrate inventory``; the shape of lead times to shipments of the SCMS data.
        Margin, goodwill, holding, line and overflow costs, storage, the mean lead time and all options are
        assumed.
    Versions: v0.
    """

    metrics = (
        Metric("profit_per_day", "profit", "length"),
        Metric("fill_rate", "sold", "asked"),
        Metric("lines_per_day", "lines_placed", "length"),
        Metric("stock_in_units", "stock", "length"),
        Metric("refused_share", "refused", "delivered"),
        Metric("holding_per_day", "holding", "length"),
    )
    step_info_keys = ("order", "sales", "left", "item_reward")

    def __init__(
        self,
        *,
        preset: str = _PRESET,
        num_items: int | None = None,
        action: Literal["reorder", "quantity"] = "reorder",
        reward_weights: Mapping[str, float] | None = None,
        **assumed: Any,
    ) -> None:
        check_choice("action", action, ("reorder", "quantity"))
        if "dispatch_days" in assumed:
            assumed["dispatch_days"] = tuple(assumed["dispatch_days"])
        demand = load_preset(str(preset))
        if num_items is None:  # a user's own shop is played whole
            num_items = _NUM_ITEMS if str(preset) == _PRESET else demand.items
        self.params = params = ShopParams(demand=demand.subset(num_items), **assumed)
        self.kind = action
        self.horizon = params.horizon
        items = num_items
        own = 7 if params.promotion_rate else 5
        self.layout = Layout(context=SHARED + own * items, steps=params.history, features=1 + 2 * items)
        blocks = Blocks(shared=SHARED, items=items, catalogue=catalogue(params))
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0, blocks=blocks)
        width = 2 * items if action == "reorder" else items
        self.action_space = spaces.Box(-1.0, 1.0, (width,), np.float32)
        weights = dict.fromkeys(TERMS, 1.0) if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, TERMS)
        self.signature = (
            *(str(preset), num_items, action, tuple(sorted(assumed.items()))),
            tuple(self.reward_weights.get(term, 0.0) for term in TERMS),
        )
        self.tables = make_tables(params)
        self.rules = make_rules(params)

    @classmethod
    def from_signature(cls, signature: tuple[Any, ...]) -> ShopTask:
        """Return the task that has this `signature`."""
        preset, num_items, action, assumed, weights = signature
        weighted = dict(zip(TERMS, weights, strict=True))
        return cls(
            preset=preset, num_items=num_items, action=action, reward_weights=weighted, **dict(assumed)
        )

    @property
    def tuning_signature(self) -> tuple[Any, ...]:
        """What the parameters of a reorder rule depend on: not the action, nor days beyond half a year."""
        preset, items, _, assumed, weights = self.signature
        kept = {**dict(assumed), "horizon": min(self.horizon, ShopParams.horizon)}
        if kept["horizon"] == ShopParams.horizon:
            del kept["horizon"]
        return (preset, items, "reorder", tuple(sorted(kept.items())), weights)

    @property
    def is_default(self) -> bool:
        """Whether this is the shipped shop as it stands (the action apart, which changes no rule)."""
        preset, items, _, assumed, weights = self.signature
        return (preset, items, assumed) == (_PRESET, _NUM_ITEMS, ()) and set(weights) == {1.0}

    def draw_reset(self, source: Backend, n: int) -> ResetNoise:
        """Draw the date and the hidden rates."""
        return ResetNoise(source.uniform((n, 2)), source.normal((n, self.params.demand.items)))

    def draw_step(self, source: Backend, n: int) -> Noise:
        """Draw a day's chances."""
        size = (n, self.params.demand.items)
        spread = source.gamma(self.tables.shape, size)
        uniform, normal, drift = source.uniform(size), source.normal(size), source.normal(size)
        lead_time = sample(self.tables.lead_time, source.uniform(size)) + 1.0
        switch = source.uniform(size) if self.params.substitution else None
        promotion = None
        if self.params.promotion_rate:
            promotion = PromotionNoise(source.uniform(size), source.normal(size))
        return Noise(spread, uniform, normal, drift, lead_time, switch, promotion)

    def initial_state(self, noise: ResetNoise) -> State:
        """Start on any date with a week and a half of usual demand on the shelf, nothing under way."""
        xp = array_namespace(noise.date)
        drift = noise.drift * self.rules.drift_sd
        none = xp.zeros_like(drift)
        history = xp.zeros_like(noise.date[:, :1, None]) + xp.zeros_like(self.tables.blank)
        return State(
            weekday=xp.floor(noise.date[:, 0] * 7),
            day=xp.floor(noise.date[:, 1] * YEAR),
            drift=drift,
            stock=none + xp.ceil(self.tables.mean * _START_DAYS),
            pipeline=none[:, :, None] + self.tables.lane,
            under_way=none + 0.0,
            sold=none,
            exposure=none + 0.0,
            history=history,
            promotions=Promotions(none + IDLE, none + 1.0) if self.params.promotion_rate else None,
        )

    def step(self, state: State, action: Array, noise: Noise) -> tuple[State, Outcome]:
        """Turn the action into orders and let a day pass."""
        return step(self.tables, self.rules, state, self.orders(state, action), noise)

    def level(self, state: State) -> Array:
        """Return the textbook estimate of the rate over the usual rate, (n, N)."""
        return level(self.tables, self.rules, state.sold, state.exposure)

    def orders(self, state: State, action: Array) -> Array:
        """Return the (n, N) whole units that an action orders."""
        xp = array_namespace(state.stock)
        if self.kind == "quantity":
            share = (action + 1.0) * 0.5
            wanted = xp.round(share * share * (LARGEST * self.tables.mean))
        else:
            items = self.params.demand.items
            factors = xp.exp(action * REACH)
            level = self.level(state)
            position = state.stock + state.under_way
            point = factors[:, :items] * (self.usual_ahead(state) * level)
            lot = factors[:, items:] * (level * (self.tables.mean * LOT_DAYS))
            wanted = positive(xp.ceil(point + lot - position)) * (position <= point)
        if len(self.params.dispatch_days) == 7:
            return wanted
        return wanted * self.tables.dispatch[xp.astype(state.weekday, xp.int64)][:, None]

    def forecast(self, state: State) -> Array:
        """Return the (n, N) units that the textbook expects to sell until an order placed now is there."""
        return self.usual_ahead(state) * self.level(state)

    def usual_ahead(self, state: State, uplift: Array | None = None) -> Array:
        """Return the same at the usual rate; `uplift`, (n, N), takes the place of promotions' mean uplift."""
        xp = array_namespace(state.stock)
        usual = calendar_factor(xp, self.tables.ahead, state.weekday, state.day) * self.tables.mean
        if state.promotions is None:
            return usual
        options = self.rules.options
        factor = options.promotion_uplift if uplift is None else uplift
        return usual * lift_ahead(xp, options, state.promotions.since, factor, self.params.span)

    def observe(self, state: State) -> Array:
        """Return context and history, flat."""
        xp = array_namespace(state.stock)
        tables, n = self.tables, state.stock.shape[0]
        weekday = xp.astype(state.weekday[:, None] == tables.week, xp.float32)
        angle = state.day[:, None] * (2 * math.pi / YEAR)
        soon = state.pipeline[:, :, 0] + state.pipeline[:, :, 1] + state.pipeline[:, :, 2]
        position = state.stock + state.under_way
        share = tables.each * (1 / self.rules.capacity)
        rate = self.level(state)
        cover = (position + 1.0) / (self.usual_ahead(state) * rate + 1.0)
        parts = [
            weekday,
            xp.sin(angle),
            xp.cos(angle),
            (state.stock @ share)[:, None],
            (position @ share)[:, None],
            xp.log(1.0 + state.stock / tables.mean),  # several times faster than log1p
            xp.log(1.0 + state.under_way / tables.mean),
            xp.log(1.0 + soon / tables.mean),
            xp.log(rate),
            xp.log(cover),
        ]
        if state.promotions is not None:
            parts += self._seen_of_promotions(xp, state.promotions.since)
        parts.append(xp.reshape(state.history, (n, -1)))
        return xp.concat(parts, axis=1)

    def _seen_of_promotions(self, xp: Any, since: Array) -> list[Array]:
        """Return the rest of a running promotion, and how much of the time to cover is under promotion."""
        options, params = self.rules.options, self.params
        rest = (params.promotion_days - since) * (1 / params.promotion_days)
        return [
            rest * xp.astype(since >= 0, xp.float32),
            lift_ahead(xp, options, since, 2.0, params.span) - 1.0,
        ]

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return the signed money of the day, in mean daily margins of the shop."""
        return reward_terms(self.tables, outcome)

    def item_rewards(self, outcome: Outcome) -> Array:
        """Return every item's part of the reward, (n, N)."""
        return item_rewards(self.tables, self.reward_weights, outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """The shop never closes."""
        return outcome.left[:, 0] < 0  # false: what is left is never negative

    def counters(self, outcome: Outcome) -> dict[str, Array]:
        """Return money and units to be summed."""
        xp = array_namespace(outcome.sales)
        each, terms = self.tables.each, self.terms(outcome)
        refused = outcome.refused @ each
        return {
            "profit": sum(terms.values()),
            "sold": outcome.sales @ each,
            "asked": outcome.demand @ each,
            "lines_placed": xp.astype(outcome.order > 0, xp.float32) @ each,
            "stock": outcome.left @ each,
            "refused": refused,
            "delivered": refused + outcome.received @ each,
            "holding": terms["holding"],
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return what the buyer sees of the day, orders, sales and stock, and what each item earned."""
        seen = {name: getattr(outcome, name) for name in self.step_info_keys[:3]}
        return {**seen, "item_reward": self.item_rewards(outcome)}

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, deliveries and the last days of one copy."""
        mean = np.asarray(self.tables.mean)
        return draw_shop(np.asarray(state.stock[row]), np.asarray(state.pipeline[row]),
                         np.asarray(state.history[row]), mean, outcome, row, mode)  # fmt: skip
