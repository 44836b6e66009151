"""Posterior of the hidden demand level and price sensitivity, on a grid."""

from __future__ import annotations

import numpy as np

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.envs.pricing.demand import attraction
from sb3_ecom.envs.pricing.season.params import SeasonParams
from sb3_ecom.envs.pricing.season.tracker import View

_POINTS = 7  # of either axis


class DemandBelief:
    """Filters sales of many seasons at once: Poisson likelihood, sold-out products censored, drift.

    Who waits for lower prices (`waiting`) is taken for new.

    Attributes:
        level: (G,) logs of the demand level.
        sensitivity: (G,) logs of the sensitivity over its median.
    """

    def __init__(self, params: SeasonParams) -> None:
        self._params = params
        levels, level_prior, level_step = _axis(params.level_sd, params.level_drift, params.periods)
        slopes, slope_prior, slope_step = _axis(
            params.sensitivity_sd, params.sensitivity_drift, params.periods
        )
        self.level = np.repeat(levels, len(slopes))
        self.sensitivity = np.tile(slopes, len(levels))
        self._prior = np.kron(level_prior, slope_prior)
        self._step = np.kron(level_step, slope_step)
        self._weights: Floats | None = None

    def update(self, view: View) -> Floats:
        """Take in what the last period showed; return (n, G) posterior weights of the period to come."""
        first = np.asarray(view.first)
        if self._weights is None or len(self._weights) != len(first):
            self._weights = np.tile(self._prior, (len(first), 1))
        log = np.log(np.maximum(self._weights, 1e-300)) + self._log_likelihood(view)
        weights = np.exp(log - log.max(1, keepdims=True))
        weights = weights / weights.sum(1, keepdims=True) @ self._step
        self._weights = np.where(first[:, None], self._prior, weights)
        return self._weights

    def _log_likelihood(self, view: View) -> Floats:
        """Return (n, G) log chances of the last period's sales."""
        from scipy.special import gammainc

        params = self._params
        sales = np.asarray(view.sales, dtype=np.float64)
        before = np.asarray(view.stock) + sales
        slope = params.sensitivity * np.exp(self.sensitivity)[None, :, None]
        weight = attraction(np.asarray(view.factor, dtype=np.float64)[:, None, :], slope, _appeal(params))
        weight = weight * (before > 0)[:, None, :]
        visitors = params.visitors * np.exp(self.level)
        mean = weight * (visitors[:, None] / (1 + weight.sum(2, keepdims=True)))
        total = np.zeros(mean.shape[:2])
        for k in range(params.products):
            units = sales[:, k, None]
            rate = np.maximum(mean[:, :, k], 1e-12)
            part = units * np.log(rate) - rate
            gone = np.flatnonzero((before[:, k] > 0) & (np.asarray(view.stock)[:, k] <= 0))
            if gone.size:  # demand was the sales or more
                part[gone] = np.log(np.maximum(gammainc(units[gone], rate[gone]), 1e-300))
            total += np.where((before[:, k] > 0)[:, None], part, 0.0)
        return total


def _appeal(params: SeasonParams) -> Floats:
    return np.asarray(params.appeal, dtype=np.float64)


def _axis(sd: float, drift: float, periods: int) -> tuple[Floats, Floats, Array]:
    """Return points of a hidden log, their prior, and the chances of moving between them in a period.

    The chain moves to a neighbour so often that its variance is that of the random walk.
    """
    spread = float(np.hypot(sd, drift * np.sqrt(periods)))
    if spread == 0:
        return np.zeros(1), np.ones(1), np.ones((1, 1))
    points = np.linspace(-2.2, 2.2, _POINTS) * spread
    gap = points[1] - points[0]
    prior = np.exp(-0.5 * (points / max(sd, 0.3 * gap)) ** 2)
    chance = min(0.5 * (drift / gap) ** 2, 1 / 3)
    step = np.eye(_POINTS) * (1 - 2 * chance) + chance * (np.eye(_POINTS, k=1) + np.eye(_POINTS, k=-1))
    step[0, 0] += chance
    step[-1, -1] += chance
    return points, prior / prior.sum(), step
