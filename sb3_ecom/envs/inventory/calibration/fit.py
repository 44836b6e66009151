"""Fit the demand of a web shop from daily sales, with standard errors by parametric bootstrap.

Sales are taken for demand: a log of sales does not tell what an empty shelf lost, so means are lower bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.envs.inventory.calibration.sales_calendar import (
    MIN_DAYS,
    covers_year,
    date_parts,
    find_open_days,
    fit_calendar,
    tells_weekdays,
)
from sb3_ecom.envs.inventory.shop.demand_params import ShopDemand, drift_factor, next_drift

Matrix = NDArray[np.float64]
_LAGS = np.arange(1, 36)  # days, of the autocovariance that persistence is fitted to
_SHAPE_RANGE = (0.05, 20.0)
_PERSISTENCE_RANGE = (0.5, 0.998)
_MEMORIES = 4  # memories of the drift, 1 / -log(persistence), that a log without a whole year must hold


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Fitted demand and the standard error of each parameter."""

    demand: ShopDemand
    errors: dict[str, tuple[float, ...]]  # parameter -> standard errors, in its own shape
    notes: tuple[str, ...] = ()  # which parameters the log does not tell, and what they are instead


def fit_demand(units: Matrix, price: Matrix, first_day: date, *, replicates: int = 20, seed: int = 0) -> Fit:
    """Fit daily units, (items, days).

    Args:
        units: units sold a day.
        price: (items,) money/unit.
        first_day: date of column 0.
        replicates: simulated logs that are fitted again for the standard errors; 0 for none.
        seed: of the simulated logs.

    Raises:
        ValueError: if the log is shorter than `MIN_DAYS`, or nothing was sold on some item.
    """
    if units.shape[1] < MIN_DAYS:
        raise ValueError(f"units must hold >= {MIN_DAYS} days, got {units.shape[1]}")
    if not (units.sum(axis=1) > 0).all():
        raise ValueError("units must hold a sale of every item, got an item with none")
    demand, notes = _moments(units, price, first_day), _find_untold(units, first_day)
    if replicates < 2:
        return Fit(demand=demand, errors={}, notes=notes)
    source = np.random.default_rng(seed)
    closed = units.sum(axis=0) == 0
    again = []
    for _ in range(replicates):
        log = simulate_log(demand, first_day, units.shape[1], source, closed)
        log[:, 0] += log.sum(axis=1) == 0  # an item that never sold in a short replicate
        again.append(_moments(log, price, first_day))
    names = ("mean", "shape", "weekday", "season", "persistence", "drift_sd")
    errors = {name: np.std([getattr(fit, name) for fit in again], axis=0, ddof=1) for name in names}
    return Fit(
        demand=_unbiased(demand, again, _longest_memory(units, first_day)),
        errors={name: tuple(np.atleast_1d(value).tolist()) for name, value in errors.items()},
        notes=notes,
    )


def _find_untold(units: Matrix, first_day: date) -> tuple[str, ...]:
    """Return what the log is too short or too sparse to tell, in words."""
    weekday, day_of_year = date_parts(first_day, units.shape[1])
    open_days, trading = find_open_days(units, weekday)
    notes = []
    if not covers_year(day_of_year[open_days]):
        notes.append(
            f"the log's {units.shape[1]} days do not cover the year: season is not fitted (all 0, one level "
            f"for the year) and persistence is at most {_longest_memory(units, first_day):.3f}"
        )
    if not tells_weekdays(units, weekday, open_days, trading):
        notes.append("too few dates with a sale per weekday: weekday is not fitted (one factor for all)")
    return tuple(notes)


def _longest_memory(units: Matrix, first_day: date) -> float:
    """Return the largest persistence that the log can tell from a constant level or a trend."""
    weekday, day_of_year = date_parts(first_day, units.shape[1])
    if covers_year(day_of_year[find_open_days(units, weekday)[0]]):
        return _PERSISTENCE_RANGE[1]
    return float(np.exp(-_MEMORIES / units.shape[1]))


def _unbiased(demand: ShopDemand, again: list[ShopDemand], longest: float) -> ShopDemand:
    """Undo the bias that refitting simulated logs shows: a slow drift hides in the mean of a short log."""
    sd = float(np.mean([fit.drift_sd for fit in again]))
    pace = float(np.mean([1 - fit.persistence for fit in again]))
    shape = np.exp(np.mean([np.log(fit.shape) for fit in again]) - np.mean(np.log(demand.shape)))
    return replace(
        demand,
        drift_sd=min(demand.drift_sd**2 / sd, 1.5) if sd > 0 else demand.drift_sd,
        persistence=float(np.clip(1 - (1 - demand.persistence) ** 2 / pace, 0.0, longest)),
        shape=tuple(np.clip(np.array(demand.shape) / shape, *_SHAPE_RANGE)),
    )


def simulate_log(
    demand: ShopDemand,
    first_day: date,
    days: int,
    source: np.random.Generator,
    closed: NDArray[np.bool_] | None = None,
) -> Matrix:
    """Return (items, days) of demand; on `closed` days nothing is sold."""
    calendar = _calendar(demand, first_day, days)
    z = np.empty((demand.items, days))
    z[:, 0] = demand.drift_sd * source.standard_normal(demand.items)
    normal = source.standard_normal((demand.items, days))
    for day in range(1, days):
        z[:, day] = next_drift(z[:, day - 1], normal[:, day], demand)
    rate = np.array(demand.mean)[:, None] * calendar * drift_factor(z, demand)
    shape = np.array(demand.shape)[:, None]
    units = source.poisson(source.gamma(np.broadcast_to(shape, rate.shape)) * rate / shape).astype(float)
    if closed is not None:
        units[:, closed] = 0
    return np.asarray(units)


def _calendar(demand: ShopDemand, first_day: date, days: int) -> Matrix:
    weekday, day_of_year = date_parts(first_day, days)
    return np.asarray(np.array(demand.weekday)[weekday] * demand.season_factors()[day_of_year])


def _moments(units: Matrix, price: Matrix, first_day: date) -> ShopDemand:
    weekday, day_of_year = date_parts(first_day, units.shape[1])
    profile, season, calendar, open_days = fit_calendar(units, weekday, day_of_year)
    factor = calendar[open_days]
    mean = units[:, open_days].sum(axis=1) / factor.sum()
    ratio = units[:, open_days] / (mean[:, None] * factor)
    persistence, variance = _fit_drift(
        ratio, np.flatnonzero(open_days), factor, _longest_memory(units, first_day)
    )
    # E[ratio^2] = E[1 / rate] + (1 + 1 / k)(1 + variance of exp z)
    second = (ratio**2 * factor).sum(axis=1) / factor.sum() - 1 / mean * (
        1 / factor * factor
    ).sum() / factor.sum()
    excess = second / np.exp(variance) - 1
    shape = 1 / np.clip(excess, 1 / _SHAPE_RANGE[1], 1 / _SHAPE_RANGE[0])
    by_zeros = _shape_by_zeros((units[:, open_days] == 0).mean(axis=1), mean[:, None] * factor, variance)
    shape = np.sqrt(shape * by_zeros)
    return ShopDemand(
        mean=tuple(mean),
        shape=tuple(shape),
        price=tuple(price),
        weekday=tuple(profile),
        season=tuple(season),
        persistence=persistence,
        drift_sd=float(np.sqrt(variance)),
    )


def _shape_by_zeros(zeros: Matrix, rate: Matrix, variance: float) -> Matrix:
    """Return the gamma shape with which each item has its share of days without a sale.

    The second moment of erratic items hangs on a few days, their zeros do not; the fit uses both.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    drift = np.exp(np.sqrt(variance) * nodes - variance / 2)
    grid = np.geomspace(*_SHAPE_RANGE, 40)
    expected = np.zeros((grid.size, len(rate)))
    for factor, weight in zip(drift, weights / weights.sum(), strict=True):
        for row, shape in enumerate(grid):
            expected[row] += weight * ((1 + rate * factor / shape) ** -shape).mean(axis=1)
    # More shape means fewer zeros: expected falls along the grid.
    found = [
        np.interp(-share, -column, np.log(grid)) for share, column in zip(zeros, expected.T, strict=True)
    ]
    return np.asarray(np.exp(np.array(found)))


def _fit_drift(ratio: Matrix, days: NDArray[np.int64], weight: Matrix, longest: float) -> tuple[float, float]:
    """Fit log(1 + autocovariance) = variance x persistence^lag, pooled over items.

    The mean of a ratio is estimated from the same days, which lowers every autocovariance by the variance of
    that mean; the fit puts it back.
    """
    pooled = _autocovariance(ratio - 1, days, weight)
    shift, persistence, variance = 0.0, 0.9, 0.01
    gaps = np.abs(days[:, None] - days[None, :])
    share = weight / weight.sum()
    for _ in range(100):
        persistence, variance = _fit_decay(pooled + shift, longest)
        covariance = np.expm1(variance * persistence**gaps)
        np.fill_diagonal(covariance, 0.0)
        new = float(share @ covariance @ share)
        if abs(new - shift) < 1e-8:
            break
        shift = 0.5 * (shift + new)
    return persistence, variance


def _autocovariance(residual: Matrix, days: NDArray[np.int64], weight: Matrix) -> Matrix:
    """Return the autocovariance at `_LAGS`, weighted by the calendar and by how regular an item is."""
    place = np.full(int(days.max()) + 1 + int(_LAGS.max()), -1)
    place[days] = np.arange(days.size)
    # Erratic items say little about the common drift: each counts by its squared inverse variance.
    trust = 1 / np.maximum((residual**2 @ weight / weight.sum()) ** 2, 1e-3)
    trust /= trust.sum()
    found = []
    for lag in _LAGS:
        later = place[days + lag]
        pairs = np.flatnonzero(later >= 0)
        if pairs.size < 10:
            found.append(np.nan)
            continue
        both = weight[pairs] * weight[later[pairs]]
        products = residual[:, pairs] * residual[:, later[pairs]]
        found.append(float(trust @ (products @ both) / both.sum()))
    return np.array(found)


def _fit_decay(covariance: Matrix, longest: float) -> tuple[float, float]:
    """Return persistence and variance by least squares on a grid of persistences."""
    known = np.isfinite(covariance)
    target = np.log1p(np.maximum(covariance[known], -0.9))
    best = (np.inf, 0.0, 0.0)
    for persistence in np.arange(_PERSISTENCE_RANGE[0], longest + 5e-4, 0.001):
        curve = persistence ** _LAGS[known]
        variance = max(float(curve @ target / (curve @ curve)), 0.0)
        error = float(((target - variance * curve) ** 2).sum())
        best = min(best, (error, float(persistence), variance))
    return best[1], min(best[2], 4.0)
