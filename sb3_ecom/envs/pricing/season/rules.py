"""Pricing rules: functions of the shop's view whose constants are tuned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.envs.pricing.demand import attraction
from sb3_ecom.envs.pricing.season.belief import DemandBelief
from sb3_ecom.envs.pricing.season.fluid import Plan, Seasons, best_factors, plan
from sb3_ecom.envs.pricing.season.params import SeasonParams
from sb3_ecom.envs.pricing.season.tracker import View

_FIRST_ROUNDS, _ROUNDS = 16, 4  # of the search for bid prices: when a season opens, and later

Constants = tuple[float, ...]


class Rule(Protocol):
    """Turns views of n seasons into (n, K) price factors; may remember the seasons."""

    def __call__(self, view: View) -> Floats:
        """Return the price factors of the next period."""


class FixedPrice:
    """One price factor for all products and the whole season: exp(constants[0])."""

    def __init__(self, params: SeasonParams, constants: Constants) -> None:
        self._factor = np.full((1, params.products), np.exp(constants[0]))

    def __call__(self, view: View) -> Floats:
        """Return it."""
        return np.repeat(self._factor, len(view.stock), axis=0)


class StockPace:
    """Rule of thumb: dearer where more time than stock is left, cheaper where less, and a trend in time.

    The log factor is c[0] - c[1] x log(stock share / time share) + c[2] x (time share - 1/2).
    """

    def __init__(self, params: SeasonParams, constants: Constants) -> None:
        self._stock, self._periods, self._constants = np.asarray(params.stock), params.periods, constants

    def __call__(self, view: View) -> Floats:
        """Return the factors."""
        base, slope, trend = self._constants
        time = np.asarray(view.periods_left, dtype=np.float64)[:, None] / self._periods
        share = np.asarray(view.stock, dtype=np.float64) / self._stock
        ahead = np.log((share + 0.05) / (time + 0.05))
        return np.asarray(np.exp(base - slope * ahead + trend * (time - 0.5)))


class Resolving:
    """Solves the fluid programme of the rest of the season, period by period, for supposed demand."""

    def __init__(self, params: SeasonParams) -> None:
        self.params = params
        self.bid_price: Floats | None = None

    def solve(self, view: View, level: Floats, sensitivity: Floats) -> Plan:
        """Return the plan for (n,) logs of level and of sensitivity over its median."""
        params, stock = self.params, np.asarray(view.stock, dtype=np.float64)
        visitors = params.visitors * np.exp(level) * np.asarray(view.periods_left)
        seasons = Seasons(visitors[:, None], params.sensitivity * np.exp(sensitivity)[:, None], stock)
        start = self.bid_price
        if start is None or len(start) != len(stock):
            found = plan(seasons, params, rounds=_FIRST_ROUNDS)
        else:
            first = np.asarray(view.first)
            found = plan(seasons, params, start=np.where(first[:, None], 0.0, start), rounds=_ROUNDS)
        self.bid_price = found.bid_price
        return found


class Fluid(Resolving):
    """The fluid heuristic of Gallego and van Ryzin (1994) for median demand, re-solved or solved once.

    All factors are multiplied by exp(constants[0]).
    """

    def __init__(self, params: SeasonParams, constants: Constants, *, resolve: bool = True) -> None:
        super().__init__(params)
        self._shift, self._resolve = constants[0], resolve
        self._kept: Floats | None = None

    def __call__(self, view: View) -> Floats:
        """Return the factors."""
        if not self._resolve:
            return np.repeat(self._opening(view), len(view.stock), axis=0)
        none = np.zeros(len(view.stock))
        return np.asarray(self.solve(view, none, none).factor[:, 0] * np.exp(self._shift))

    def _opening(self, view: View) -> Floats:
        if self._kept is None:
            params = self.params
            visitors = np.array([[params.visitors * params.periods]])
            opening = Seasons(
                visitors, np.array([[params.sensitivity]]), np.array([params.stock], dtype=float)
            )
            self._kept = plan(opening, params).factor[:, 0] * np.exp(self._shift)
        return self._kept


class Believing(Resolving):
    """Estimates demand from prices and sales, supposes the estimate true, and re-solves.

    `estimate` picks (n,) logs of level and sensitivity from (n, G) posterior weights. All factors are
    multiplied by exp(constants[0]).
    """

    def __init__(
        self,
        params: SeasonParams,
        constants: Constants,
        estimate: Callable[[DemandBelief, Floats], tuple[Floats, Floats]],
    ) -> None:
        super().__init__(params)
        self.belief, self.shift, self._estimate = DemandBelief(params), constants[0], estimate

    def __call__(self, view: View) -> Floats:
        """Return the factors."""
        weights = self.belief.update(view)
        found = self.solve(view, *self._estimate(self.belief, weights))
        return np.asarray(found.factor[:, 0] * np.exp(self.shift))


def posterior_mode(belief: DemandBelief, weights: Floats) -> tuple[Floats, Floats]:
    """Return the likeliest level and sensitivity: certainty equivalence."""
    best = weights.argmax(1)
    return belief.level[best], belief.sensitivity[best]


class Thompson(Believing):
    """Supposes a draw from the posterior true, season by season and period by period."""

    def __init__(self, params: SeasonParams, constants: Constants) -> None:
        super().__init__(params, constants, self._draw)
        self._source = np.random.default_rng(0)

    def _draw(self, belief: DemandBelief, weights: Floats) -> tuple[Floats, Floats]:
        below = np.cumsum(weights, axis=1) < self._source.random((len(weights), 1))
        drawn = np.minimum(below.sum(1), weights.shape[1] - 1)
        return belief.level[drawn], belief.sensitivity[drawn]


class ControlledVariance(Believing):
    """Certainty equivalence that keeps its prices apart: controlled variance pricing.

    A log price factor nearer than constants[1] x (periods so far)^(-1/4) to its mean so far is moved away
    from it, to the nearer side. Source: A. den Boer and B. Zwart (2014), Management Science 60(3).
    """

    def __init__(self, params: SeasonParams, constants: Constants) -> None:
        super().__init__(params, constants, posterior_mode)
        self._width = constants[1]

    def __call__(self, view: View) -> Floats:
        """Return the factors."""
        wanted = np.log(super().__call__(view))
        passed = self.params.periods - np.asarray(view.periods_left, dtype=np.float64)[:, None]
        mean = np.asarray(view.mean_log_factor) * (1 + 1 / np.maximum(passed, 1))
        width = self._width * np.maximum(passed, 1) ** -0.25
        away = np.where(wanted >= mean, mean + width, mean - width)
        near = (np.abs(wanted - mean) < width) & (passed > 0)
        return np.asarray(np.exp(np.where(near, away, wanted)))


class BayesResolving(Resolving):
    """Prices that are best on average over the posterior, each supposed demand with its own bid prices.

    Candidates are the best prices for each supposed sensitivity and the posterior's mean bid prices; the one
    of the highest mean value to come is taken. All factors are multiplied by exp(constants[0]).
    """

    def __init__(self, params: SeasonParams, constants: Constants) -> None:
        super().__init__(params)
        self.belief, self._shift = DemandBelief(params), constants[0]
        self._candidates = np.unique(self.belief.sensitivity)

    def __call__(self, view: View) -> Floats:
        """Return the factors."""
        weights = self.belief.update(view)
        n, size = weights.shape
        spread = View(*(np.repeat(np.asarray(part), size, axis=0) for part in view))
        level, slope = np.tile(self.belief.level, n), np.tile(self.belief.sensitivity, n)
        cost = self.solve(spread, level, slope).bid_price.reshape(n, size, -1)
        stream = weights * np.exp(self.belief.level)  # chance times visitors
        total = stream.sum(1)
        mean_cost = (stream[:, :, None] * cost).sum(1) / total[:, None]
        offered = (np.asarray(view.stock) > 0).astype(np.float64)
        factors = self._try(mean_cost, offered)
        value = self._values(factors, stream, cost, offered)
        best = factors[np.arange(n), value.argmax(1)]
        return np.asarray(best * np.exp(self._shift))

    def _try(self, cost: Floats, offered: Floats) -> Floats:
        """Return (n, C, K) candidate factors."""
        slope = self.params.sensitivity * np.exp(self._candidates)[None, :, None]
        return best_factors(cost[:, None, :], slope, offered[:, None, :], self.params, 1e-5)[1]

    def _values(self, factors: Floats, stream: Floats, cost: Floats, offered: Floats) -> Floats:
        """Return the (n, C) mean value of candidates: money less bid prices of what they sell."""
        params = self.params
        price, appeal = np.asarray(params.price), np.asarray(params.appeal)
        slope = params.sensitivity * np.exp(self.belief.sensitivity)[None, :, None]
        values = []
        for factor in np.moveaxis(factors, 1, 0):
            weight = attraction(factor[:, None, :], slope, appeal) * offered[:, None, :]
            margin = factor[:, None, :] * price - cost
            earned = (margin * weight).sum(2) / (1 + weight.sum(2))
            values.append((stream * earned).sum(1))
        return np.stack(values, axis=1)
