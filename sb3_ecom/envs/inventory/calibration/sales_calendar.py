"""Weekday and season of a sales log: what its days can tell of them, and the fit of their factors."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.envs.inventory.shop.demand_params import YEAR, season_design

Matrix = NDArray[np.float64]
MIN_DAYS = 56  # eight weeks: below, neither a weekday profile nor persistence can be told from noise
_LONGEST_GAP = 31  # days of the year without an open day, over which two harmonics still interpolate
_LEAST_DATES = 5  # dates with a sale that a weekday's own factor needs
_CONVERGED = 1e-10  # last step of a coefficient
_RARE = 0.1  # share of days without a sale that a single item may leave out as closed days
_LEAST_TRADE = 0.1  # share of a weekday's dates with a sale, below which the shop is closed on it


def date_parts(first_day: date, days: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return weekday (Monday 0) and day of the year (1 January 0, at most 364) of each day."""
    dates = [date.fromordinal(first_day.toordinal() + day) for day in range(days)]
    weekday = np.array([each.weekday() for each in dates])
    return weekday, np.minimum(np.array([each.timetuple().tm_yday - 1 for each in dates]), YEAR - 1)


def covers_year(day_of_year: NDArray[np.int64]) -> bool:
    """Return whether days leave no gap of the year so long that the season in it is a guess."""
    known = np.unique(day_of_year)
    gaps = np.diff(np.r_[known, known[0] + YEAR]) - 1
    return bool(gaps.max() <= _LONGEST_GAP)


def find_open_days(units: Matrix, weekday: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (days,) open or not, and (7,) weekdays that trade: others (nearly) never hold a sale.

    A weekday is closed only where that can be told from chance. So are single days: a few slow items leave
    days without a sale while the shop is open.
    """
    sold = units.sum(axis=0) > 0
    trade = np.array([sold[weekday == day].mean() if (weekday == day).any() else 0.0 for day in range(7)])
    expected = np.bincount(weekday, minlength=7) * trade[trade > _LEAST_TRADE].mean()
    trading = (trade > _LEAST_TRADE) | (expected < _LEAST_DATES)
    open_days = trading[weekday]
    idle = 1 - float(sold[open_days].mean())
    by_chance = float(np.prod((units[:, open_days] == 0).mean(axis=1)))  # if items sold independently
    if len(units) == 1 and idle <= _RARE:  # an item tells closed days from its own slow ones by their number
        by_chance = float(np.exp(-units[:, open_days].mean()))
    return (open_days & sold if idle > 2 * by_chance else open_days), trading


def tells_weekdays(
    units: Matrix, weekday: NDArray[np.int64], open_days: NDArray[np.bool_], trading: NDArray[np.bool_]
) -> bool:
    """Return whether every weekday that trades has dates with a sale enough for a factor of its own."""
    dates = np.bincount(weekday[open_days & (units.sum(axis=0) > 0)], minlength=7)
    return bool((dates[trading] >= _LEAST_DATES).all())


def fit_calendar(
    units: Matrix, weekday: NDArray[np.int64], day_of_year: NDArray[np.int64]
) -> tuple[Matrix, Matrix, Matrix, NDArray[np.bool_]]:
    """Fit the log-linear factors of weekday and season to the mean of all items, each at weight 1.

    Weekdays that (nearly) never trade get the factor 0; other days without a sale are holidays and left out.
    A log whose open days do not cover the year tells no season from level or drift: its season stays 0. Where
    a weekday has too few dates with a sale, all weekdays that trade share one factor.

    Returns:
        (7,) weekday factors, (4,) season, (days,) factors of the days, (days,) open or not.

    Raises:
        ValueError: if the fit does not converge.
    """
    shop = (units / units.mean(axis=1, keepdims=True)).mean(axis=0)
    open_days, trading = find_open_days(units, weekday)
    seasonal = np.full(4, covers_year(day_of_year[open_days]))
    own = trading
    names = weekday
    if not tells_weekdays(units, weekday, open_days, trading):
        own, names = np.arange(7) == 0, np.zeros_like(weekday)  # one factor, that of code 0
    design = np.hstack([np.eye(7)[names], season_design(day_of_year)])[open_days]
    found = _fit_factors(design, np.r_[own, seasonal], shop[open_days])
    level = found[:7] if own is trading else np.full(7, found[0])
    profile = np.where(trading, np.exp(level), 0.0)
    profile = profile / profile.mean()
    year = np.exp(season_design(np.arange(YEAR)) @ found[7:])
    calendar = profile[weekday] * np.exp(season_design(day_of_year) @ found[7:]) / year.mean()
    return profile, found[7:], calendar, open_days


def _fit_factors(design: Matrix, used: NDArray[np.bool_], target: Matrix) -> Matrix:
    """Return the coefficients of a log-linear mean by Newton's method; those that are not used are 0."""
    columns = np.flatnonzero(used)
    found = np.zeros(used.size)
    for _ in range(50):
        expected = np.exp(design[:, columns] @ found[columns])
        weighted = design[:, columns] * expected[:, None]
        ridge = 1e-9 * np.eye(columns.size)
        gradient = design[:, columns].T @ (target - expected)
        step = np.linalg.solve(design[:, columns].T @ weighted + ridge, gradient)
        found[columns] += np.clip(step, -1, 1)
        if np.abs(step).max() < _CONVERGED:
            break
    if not np.abs(step).max() < 1e-6:
        raise ValueError("the factors of weekday and season do not converge")
    return found
