"""EcomInventory-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice, check_text, show
from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.core.item_spaces import Blocks
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.demand import sample
from sb3_ecom.envs.inventory.shop import dynamics
from sb3_ecom.envs.inventory.shop.buyer_view import SHARED_CONTEXT, View, to_action, view_of_observation
from sb3_ecom.envs.inventory.shop.demand_params import ShopDemand
from sb3_ecom.envs.inventory.shop.feature_names import shop_names
from sb3_ecom.envs.inventory.shop.params import ShopParams
from sb3_ecom.envs.inventory.shop.presets import load_preset
from sb3_ecom.envs.inventory.shop.promotions import PromotionNoise
from sb3_ecom.envs.inventory.shop.render import render
from sb3_ecom.envs.inventory.shop.rewards import TERMS, item_rewards, reward_terms
from sb3_ecom.envs.inventory.shop.tables import catalogue, hidden_tables, public_tables
from sb3_ecom.envs.inventory.shop.tracker import ShopTracker, StockReport

_PRESET = "online_retail_uk"
_NUM_ITEMS = 10  # of the shipped preset, unless more are asked for


class ShopTask(Task):
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

    tracker: ShopTracker
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
        preset: str | ShopDemand = _PRESET,
        num_items: int | None = None,
        action: Literal["reorder", "quantity"] = "reorder",
        reward_weights: Mapping[str, float] | None = None,
        **assumed: Any,
    ) -> None:
        check_choice("action", action, ("reorder", "quantity"))
        if "demand" in assumed:
            raise ValueError(f"demand is what a preset holds: give preset=..., got {show(assumed['demand'])}")
        check_text("preset", "a demand" if isinstance(preset, ShopDemand) else preset)
        demand = preset if isinstance(preset, ShopDemand) else load_preset(str(preset))
        if num_items is None:  # a user's own shop is played whole
            num_items = _NUM_ITEMS if demand == load_preset(_PRESET) else demand.items
        self.params = params = ShopParams(demand=demand.subset(num_items), **assumed)
        self.horizon, num_items = params.horizon, params.demand.items
        self._set_spaces(action)
        self.reward_weights = check_reward_weights(reward_weights, TERMS)
        self.signature = (
            *(demand, num_items, action, tuple((name, getattr(params, name)) for name in sorted(assumed))),
            tuple(self.reward_weights.get(term, 0.0) for term in TERMS),
        )
        self.tables = TaskTables(hidden_tables(params), public_tables(params))
        self.tracker = ShopTracker(
            action=action,
            items=num_items,
            span=params.span,
            capacity=params.capacity,
            dispatches_daily=len(params.dispatch_days) == 7,
            promotion_days=params.promotion_days,
            promotion_uplift=params.promotion_uplift,
        )

    def _set_spaces(self, action: str) -> None:
        params, items = self.params, self.params.demand.items
        own = 7 if params.promotion_rate else 5
        self.layout = Layout(
            context=SHARED_CONTEXT + own * items, steps=params.history, features=1 + 2 * items
        )
        blocks = Blocks(shared=SHARED_CONTEXT, items=items, catalogue=catalogue(params))
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0, blocks=blocks)
        width = 2 * items if action == "reorder" else items
        self.action_space = spaces.Box(-1.0, 1.0, (width,), np.float32)

    @classmethod
    def from_signature(cls, signature: tuple[Any, ...]) -> ShopTask:
        """Return the task that has this `signature`."""
        demand, num_items, action, assumed, weights = signature
        weighted = dict(zip(TERMS, weights, strict=True))
        return cls(
            preset=demand, num_items=num_items, action=action, reward_weights=weighted, **dict(assumed)
        )

    @property
    def tuning_signature(self) -> tuple[Any, ...]:
        """All that a reorder rule's parameters depend on: not the action, nor days beyond half a year."""
        demand, items, _, assumed, weights = self.signature
        kept = {**dict(assumed), "horizon": min(self.horizon, ShopParams.horizon)}
        if kept["horizon"] == ShopParams.horizon:
            del kept["horizon"]
        return (demand, items, "reorder", tuple(sorted(kept.items())), weights)

    @property
    def is_default(self) -> bool:
        """True of the shipped shop as it stands (the action apart, which changes no rule)."""
        demand, items, _, assumed, weights = self.signature
        return (demand, items, assumed) == (load_preset(_PRESET), _NUM_ITEMS, ()) and set(weights) == {1.0}

    def draw_reset(self, source: Backend, n: int) -> dynamics.ResetNoise:
        """Draw the date and the hidden rates."""
        return dynamics.ResetNoise(source.uniform((n, 2)), source.normal((n, self.params.demand.items)))

    def draw_step(self, source: Backend, n: int) -> dynamics.Noise:
        """Draw a day's chances."""
        size = (n, self.params.demand.items)
        spread = source.gamma(self.tables.public.shape, size)
        uniform, normal, drift = source.uniform(size), source.normal(size), source.normal(size)
        lead_time = sample(self.tables.hidden.lead_time, source.uniform(size)) + 1.0
        switch = source.uniform(size) if self.params.substitution else None
        promotion = None
        if self.params.promotion_rate:
            promotion = PromotionNoise(source.uniform(size), source.normal(size))
        return dynamics.Noise(spread, uniform, normal, drift, lead_time, switch, promotion)

    def start(self, noise: dynamics.ResetNoise) -> tuple[dynamics.State, StockReport]:
        """Return the warehouse and its customers at the start, and the first stock report."""
        hidden = dynamics.start(noise, self.params, self.tables)
        return hidden, _report(hidden, None)

    def simulate(
        self, hidden: dynamics.State, decision: Array, noise: dynamics.Noise
    ) -> tuple[dynamics.State, dynamics.Outcome]:
        """Place the orders and let a day pass."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables)

    def public_event(self, hidden: dynamics.State, outcome: dynamics.Outcome) -> StockReport:
        """Return the stock report of the next morning."""
        return _report(hidden, outcome)

    def terms(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return the signed money of the day, in mean daily margins of the shop."""
        return reward_terms(outcome, self.tables.public)

    def item_rewards(self, outcome: dynamics.Outcome) -> Array:
        """Return every item's part of the reward, (n, N)."""
        return item_rewards(outcome, self.reward_weights, self.tables.public)

    def terminated(self, outcome: dynamics.Outcome) -> Array:
        """Return false everywhere: the shop never closes."""
        return outcome.left[:, 0] < 0  # what is left is never negative

    def counters(self, outcome: dynamics.Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return money and units to be summed."""
        xp = array_namespace(outcome.sales)
        each = self.tables.public.each
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

    def step_info(self, outcome: dynamics.Outcome) -> dict[str, Array]:
        """Return orders, sales and stock of the day, and every item's part of the reward."""
        seen = {name: getattr(outcome, name) for name in self.step_info_keys[:3]}
        return {**seen, "item_reward": self.item_rewards(outcome)}

    def feature_names(self) -> FeatureNames:
        """Return what the floats of observations and actions are."""
        return shop_names(self.params.demand.items, self.layout, self.tracker.action)

    def render(self, state: State, outcome: dynamics.Outcome | None, row: int, mode: str) -> Any:
        """Draw stock, deliveries and the last days of one copy."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def view(self, observation: Array) -> View:
        """Return stock, forecasts and recent sales that an observation shows, in units."""
        return view_of_observation(observation, self.tables.public)

    def to_action(self, view: View, point: Array, top: Array) -> Array:
        """Return the action that orders up to `top` where the position is at or below `point`, units."""
        return to_action(view, point, top, self.tracker.action, self.tables.public)


def _report(hidden: dynamics.State, outcome: dynamics.Outcome | None) -> StockReport:
    """Return what the warehouse system reports of a state and of the day before."""
    since = None if hidden.promotions is None else hidden.promotions.since
    past = (None,) * 3 if outcome is None else (outcome.sales, outcome.stock_out, outcome.delivered)
    return StockReport(hidden.weekday, hidden.day, hidden.on_hand, hidden.pipeline, since, *past)
