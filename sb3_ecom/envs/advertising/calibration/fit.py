"""Fit traffic, price and response rates to a log; every function is pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from sb3_ecom.core.arrays import Floats

MOST_SHAPE = 1e4  # of a beta law of response rates
_LAGS = np.arange(1, 13)  # hours over which the price memory is fitted


class Fitted(NamedTuple):
    """A value and its standard error (NaN where it was not estimated)."""

    value: float
    stderr: float


class Series(NamedTuple):
    """One price per hour: prices > 0 at whole hours since 1970, ascending."""

    hour: NDArray[np.int64]
    price: Floats


def hourly_series(seconds: Floats, price: Floats, weight: Floats | None = None) -> Series:
    """Average prices (weighted, e.g. by impressions) into hours.

    Raises:
        ValueError: on a price < 0, on times that go back, or on fewer than 3 days.
    """
    if price.min() < 0:
        row = int(np.argmin(price))
        raise ValueError(f"prices must be >= 0, row {row + 1} is below: remove or correct it")
    back = np.flatnonzero(np.diff(seconds) < 0)
    if back.size:
        raise ValueError(f"times must ascend, row {int(back[0]) + 2} goes back: sort the log by its time")
    hours, code = np.unique(np.floor(seconds / 3600).astype(np.int64), return_inverse=True)
    weights = np.ones_like(price) if weight is None else weight
    total = np.bincount(code, weights)
    mean = np.bincount(code, weights * price) / np.where(total > 0, total, 1.0)
    keep = mean > 0
    if np.unique(hours[keep] // 24).size < 3:
        raise ValueError("a price log must cover at least 3 days with prices > 0")
    return Series(hours[keep], mean[keep])


def fit_prices(series: Series, draws: int = 40) -> tuple[dict[str, Fitted], Floats]:
    """Fit (median, day sd, AR and jitter per half-hour tick) and the 24 hourly price levels.

    Standard errors come from resampling whole days.
    """
    day, hour = series.hour // 24, series.hour % 24
    days = np.unique(day)
    found = _price_moments(day, hour, np.log(series.price))
    generator = np.random.default_rng(0)
    spread = []
    rows = {d: np.flatnonzero(day == d) for d in days}
    for _ in range(draws):
        chosen = generator.choice(days, days.size)
        index = np.concatenate([rows[d] for d in chosen])
        label = np.repeat(np.arange(days.size), [rows[d].size for d in chosen])
        with contextlib.suppress(ValueError):  # one day, drawn again and again, does not vary
            spread.append(_price_moments(label, hour[index], np.log(series.price[index])))
    names = ("price_median", "price_day_sd", "price_ar", "price_ar_sd", "price_jitter_sd")
    error = np.std(spread, axis=0, ddof=1) if len(spread) > 1 else np.full(len(names), np.nan)
    fitted = {name: Fitted(float(v), float(e)) for name, v, e in zip(names, found, error, strict=True)}
    return fitted, np.exp(_hour_levels(hour, np.log(series.price)))


def fit_traffic(hour: NDArray[np.int64], volume: Floats) -> Floats:
    """Return 24 hourly traffic levels with mean 1 from volumes (impressions or shares) by hour.

    Raises:
        ValueError: on a volume < 0 or an hour of the day without any.
    """
    if volume.min() < 0:
        raise ValueError(f"volumes must be >= 0, row {int(np.argmin(volume)) + 1} is below")
    total = np.bincount(hour, volume, minlength=24)
    if total.min() <= 0:
        raise ValueError(f"hour {int(np.argmin(total))} has no traffic: the log must cover all 24 hours")
    return np.asarray(total / total.mean())


def fit_response(clicks: Floats, impressions: Floats) -> dict[str, Fitted]:
    """Fit the beta-binomial law of response rates among units (keywords, ads) by maximum likelihood.

    Where the rates differ no more than by chance the likelihood has no maximum: the law then gets the mean
    rate and the smallest spread that so many units and impressions could have shown, without standard errors.

    Raises:
        ValueError: if a unit has more clicks than impressions, or fewer than 10 units are given.
    """
    if np.any(clicks > impressions) or np.any(clicks < 0):
        raise ValueError(
            f"clicks must be in [0, impressions], {int(np.sum(clicks > impressions)):,} units have more"
        )
    if clicks.size < 10:
        raise ValueError(f"response rates need at least 10 keywords or ads, got {clicks.size}")

    if not 0 < clicks.sum() < impressions.sum():
        found = "no" if not clicks.sum() else "nothing but"
        raise ValueError(f"the log holds {found} clicks: a law of response rates can not be fitted")

    def loss(logs: Floats) -> float:
        a, b = np.exp(logs)
        rest = impressions - clicks
        return -float(np.sum(special.betaln(clicks + a, rest + b) - special.betaln(a, b)))

    rate = clicks.sum() / impressions.sum()
    start = np.log([1.0, 1.0 / max(rate, 1e-6)])
    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6})
    a, b = np.exp(best.x)
    if not max(a, b) <= MOST_SHAPE:
        a, b = _narrowest_law(float(rate), impressions)
        return {"value_alpha": Fitted(a, np.nan), "value_beta": Fitted(b, np.nan)}
    try:
        error = np.sqrt(np.maximum(np.diag(np.linalg.inv(_hessian(loss, best.x))), 0.0))
    except np.linalg.LinAlgError:  # rates that do not differ: their spread has no upper limit
        error = np.full(2, np.nan)
    return {
        "value_alpha": Fitted(float(a), float(a * error[0])),
        "value_beta": Fitted(float(b), float(b * error[1])),
    }


def _narrowest_law(rate: float, impressions: Floats) -> tuple[float, float]:
    """Return the shapes of the beta law of a mean rate whose spread can just be told from none.

    With n impressions a unit it adds n / (a + b) to the ratio of the clicks' variance to a binomial's, whose
    standard error over U units is about sqrt(2 / U).
    """
    total = float(np.clip(impressions.mean() * np.sqrt(impressions.size / 2), 1.0, MOST_SHAPE))
    return total * rate, total * (1 - rate)


def _hessian(function: Callable[[Floats], float], x: Floats, width: float = 1e-2) -> Floats:
    """Return second derivatives by central differences."""
    steps = np.eye(x.size) * width
    corners = [
        [[function(x + s * a + r * b) for r in (1, -1)] for s in (1, -1)] for a in steps for b in steps
    ]
    values = np.array(corners)
    second = (values[:, 0, 0] - values[:, 0, 1] - values[:, 1, 0] + values[:, 1, 1]) / (4 * width**2)
    return np.asarray(second.reshape(x.size, x.size))


def _hour_levels(hour: NDArray[np.int64], log_price: Floats) -> Floats:
    levels = np.array([log_price[hour == h].mean() if np.any(hour == h) else np.nan for h in range(24)])
    known = np.flatnonzero(~np.isnan(levels))
    levels = np.interp(np.arange(24), known, levels[known], period=24)
    return np.asarray(levels - levels.mean())


def _price_moments(day: NDArray[np.int64], hour: NDArray[np.int64], log_price: Floats) -> Floats:
    """Split the variance around the hour of day into day, AR(1) and jitter by its covariances."""
    residual = log_price - _hour_levels(hour, log_price)[hour]
    median = np.median(log_price)
    residual = residual - residual.mean()
    grid = np.full((int(day.max() - day.min()) + 1, 24), np.nan)
    grid[day - day.min(), hour] = residual
    variance = float(np.nanmean(grid**2))
    products = [grid[:, k:] * grid[:, :-k] for k in _LAGS]
    covariance = np.array([p[np.isfinite(p)].mean() if np.isfinite(p).any() else np.nan for p in products])
    known = np.isfinite(covariance)
    if variance <= 1e-9 or known.sum() < 3:
        raise ValueError(
            f"prices of {log_price.size:,} hours can not be fitted: they must vary around their hour of the "
            "day, and stand in hours next to each other"
        )

    def miss(x: Floats) -> Floats:
        error = (x[0] + x[1] * x[2] ** _LAGS - covariance) / variance * np.sqrt(24 - _LAGS)
        return np.asarray(error[known])

    bounds = ([0.0, 0.0, 0.05], [variance, variance, 0.98])
    fit = optimize.least_squares(miss, [variance / 2, variance / 3, 0.6], bounds=bounds)
    day_var, ar_var, ar = fit.x
    # Two half-hour ticks make an hour: jitter halves in the hour's mean.
    jitter = 2.0 * max(variance - day_var - ar_var, 0.0)
    return np.array([np.exp(median), np.sqrt(day_var), np.sqrt(ar), np.sqrt(ar_var), np.sqrt(jitter)])
