"""EcomPricing-v0: spaces and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, Backend, array_namespace
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights, make_params
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.pricing.season import dynamics
from sb3_ecom.envs.pricing.season.dynamics import HiddenState, Law, Outcome, StepNoise, Tables
from sb3_ecom.envs.pricing.season.params import SeasonParams
from sb3_ecom.envs.pricing.season.presets import load_params
from sb3_ecom.envs.pricing.season.render import render
from sb3_ecom.envs.pricing.season.rewards import TERMS, reward_terms
from sb3_ecom.envs.pricing.season.tracker import (
    Opening,
    Report,
    SeasonTracker,
    View,
    layout,
    read_view,
)


class SeasonTask(Task):
    """Price the finite stocks of K products over a season whose demand is hidden.

    Visitors come at a rate that nobody tells the shop, look at all prices and take one product, or leave
    (multinomial logit): a cheap product takes sales from its neighbours. How many come, and how much a higher
    price deters them, is drawn when the season opens and drifts. Sales at one price do not tell the two
    apart; prices that differ do. What is not sold when the season ends is worth `salvage`.

    Observation:
        LayoutBox of context + history, float32, K = 4 products. Context (2 + 5 K): share of periods left,
        mean share of stock left; then, product by product each: share of its stock left, log of its last
        price factor, mean log price factor so far, log(1 + mean units a period so far), and half the log of
        units per period left over units per period so far. History (8 periods, newest last): validity, log
        price factors (K), log(1 + units sold) / 4 (K).

    Action:
        ``action="factors"`` (default): Box(K) in [-1, 1]. Price = reference price x factor, with the factor
        geometric between `floor` (-1) and `cap` (1): no action leaves these bounds. ``action="grid"``:
        Discrete(`levels`), one of so many factors from floor to cap for all products.

    Reward:
        ``revenue`` (weight 1): money taken in the period. ``salvage`` (weight 1): money for what is left at
        the end. ``unmet`` (weight 0): minus the money that demand beyond the stock would have paid.

    Episode:
        Truncated after `periods` (30); terminated when everything is sold.

    Source:
        G. Gallego and G. van Ryzin (1994), "Optimal dynamic pricing of inventories with stochastic demand
        over finite horizons", Management Science 40(8): finite stock, Poisson demand; logit demand as in
        K. Talluri and G. van Ryzin (2004); the price that teaches nothing as in J. M. Harrison, N. B. Keskin
        and A. Zeevi (2012). With ``waiting`` > 0 visitors may wait for the lowest price seen and come back
        (after D. Besanko and W. Winston 1990; the form is ours). All numbers of the default are assumed.

    Versions:
        v0: first.
    """

    tracker: SeasonTracker
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("revenue", "revenue"),
        Metric("units_sold", "units"),
        Metric("mean_price_factor", "factor", "length"),
        Metric("unmet_units", "unmet_units"),
        Metric("salvage", "salvage"),
    )
    step_info_keys: ClassVar[tuple[str, ...]] = ("price", "sales", "stock")

    def __init__(
        self,
        *,
        preset: str | SeasonParams | None = None,
        action: Literal["factors", "grid"] = "factors",
        reward_weights: Mapping[str, float] | None = None,
        **params: Any,
    ) -> None:
        check_choice("action", action, ("factors", "grid"))
        base = load_params(preset)
        self.params = p = make_params("EcomPricing", SeasonParams, **{**base, **params})
        self.horizon = p.periods
        weights = {"revenue": 1.0, "salvage": 1.0}
        self.reward_weights = check_reward_weights(reward_weights, TERMS, weights)
        grid = action == "grid"
        if grid:
            self.action_space = spaces.Discrete(p.levels)
        else:
            self.action_space = spaces.Box(-1.0, 1.0, (p.products,), np.float32)
        self.layout = layout(p.products, p.history)
        self.observation_space = LayoutBox(self.layout, -20.0, 20.0)
        self.tables = TaskTables(_law(p), _catalogue(p))
        self.tracker = SeasonTracker(grid, p.products, p.periods, p.floor, p.cap, p.levels, p.history)

    def draw_reset(self, source: Backend, n: int) -> Array:
        """Draw level and sensitivity."""
        return source.normal((n, 2))

    def draw_step(self, source: Backend, n: int) -> StepNoise:
        """Draw a period's demand and drift."""
        size = (n, self.params.products)
        return StepNoise(source.uniform(size), source.normal(size), source.normal((n, 2)))

    def start(self, noise: Array) -> tuple[HiddenState, Opening]:
        """Open n seasons."""
        hidden = dynamics.start(noise, self.params, self.tables.public, self.tables.hidden)
        return hidden, Opening(hidden.stock)

    def simulate(self, hidden: HiddenState, decision: Array, noise: StepNoise) -> tuple[HiddenState, Outcome]:
        """Sell for a period."""
        return dynamics.step(hidden, decision, noise, self.params, self.tables.public, self.tables.hidden)

    def public_event(self, hidden: HiddenState, outcome: Outcome) -> Report:
        """Return sales and what is left."""
        return Report(outcome.sales, outcome.left)

    def terms(self, outcome: Outcome) -> dict[str, Array]:
        """Return revenue, salvage and minus the money of unmet demand."""
        return reward_terms(outcome)

    def terminated(self, outcome: Outcome) -> Array:
        """Return where everything is sold."""
        return outcome.units_left <= 0.0

    def counters(self, outcome: Outcome, terms: Mapping[str, Array]) -> dict[str, Array]:
        """Return money, units and the mean price factor."""
        each = self.tables.public.each
        return {
            "revenue": outcome.revenue,
            "salvage": outcome.salvage,
            "units": outcome.sales @ each,
            "unmet_units": (outcome.demand - outcome.sales) @ each,
            "factor": outcome.factor @ each * (1 / self.params.products),
        }

    def step_info(self, outcome: Outcome) -> dict[str, Array]:
        """Return prices in money, units sold and units left, (n, K) each."""
        price = outcome.factor * self.tables.public.price
        return {"price": price, "sales": outcome.sales, "stock": outcome.left}

    def feature_names(self) -> FeatureNames:
        """Return what the floats of observations and actions are."""
        products = [f"product {index + 1}" for index in range(self.params.products)]
        own = ("stock left", "last log price factor", "mean log price factor", "pace", "stock against pace")
        seen = ("log price factor", "log sales")
        context = [f"{what}, {name}" for what in own for name in products]
        step = [f"{what}, {name}" for what in seen for name in products]
        return FeatureNames(
            context=("periods left", "mean stock left", *context),
            step=("valid", *step),
            event="period",
            action=() if self.tracker.grid else tuple(f"price of {name}" for name in products),
        )

    def render(self, state: State, outcome: Outcome | None, row: int, mode: str) -> Any:
        """Draw stocks, and prices and sales of the last periods."""
        return render(self.params, self.tables, state, outcome, row, mode)

    def view(self, observation: Array) -> View:
        """Return stocks, last prices and sales that an observation shows, in units."""
        return read_view(observation, self.tables.public, self.params.periods)

    def to_action(self, factor: Array) -> Array:
        """Return the action that sets the (n, K) price factors, within bounds, or the grid's nearest."""
        xp = array_namespace(factor)
        place = self.tracker.to_place(factor)
        if self.tracker.grid:
            return xp.astype(xp.round(xp.mean(place, axis=1) * (self.params.levels - 1)), xp.int64)
        return xp.clip(xp.astype(place * 2.0 - 1.0, xp.float32), -1.0, 1.0)


def _catalogue(params: SeasonParams) -> Tables:
    """Return the public constants of the products as float32."""
    ones = (1.0,) * params.products
    columns = (params.price, params.appeal, params.stock, ones)
    return Tables(*(np.asarray(values, dtype=np.float32) for values in columns))


def _law(params: SeasonParams) -> Law:
    """Return the law of hidden demand as float32."""
    pairs = (
        (params.level_sd, params.sensitivity_sd),
        (params.level_drift, params.sensitivity_drift),
        (params.level_limit, params.sensitivity_limit),
    )
    return Law(*(np.asarray(pair, dtype=np.float32) for pair in pairs))
