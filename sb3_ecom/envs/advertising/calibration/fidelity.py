"""Compare a simulated market with the log it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.fidelity import Line, compare
from sb3_ecom.envs.advertising.calibration.fit import Series
from sb3_ecom.envs.advertising.pacing.dynamics import price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import value_quantiles
from sb3_ecom.envs.advertising.pacing.replay import replay_market

Floats = NDArray[np.float64]

#: Statistic -> tolerance: relative, or absolute for the autocorrelation and the hour.
TOLERANCES = {
    "price median": 0.05,
    "price log-sd": 0.10,
    "price hour peak / mean": 0.10,
    "price hour trough / mean": 0.10,
    "log price lag-1 autocorrelation": 0.08,
    "traffic peak share": 0.05,
    "traffic trough share": 0.10,
    "traffic peak hour": 1.0,
    "response median": 0.15,
    "response p10": 0.25,
    "response p90": 0.20,
}
_ABSOLUTE = ("log price lag-1 autocorrelation", "traffic peak hour")


def price_statistics(series: Series) -> dict[str, float]:
    """Return the statistics of an hourly price series."""
    logs = np.log(series.price)
    hour = series.hour % 24
    by_hour = np.array([series.price[hour == h].mean() for h in np.unique(hour)])
    level = by_hour / series.price.mean()
    return {
        "price median": float(np.median(series.price)),
        "price log-sd": float(logs.std()),
        "price hour peak / mean": float(level.max()),
        "price hour trough / mean": float(level.min()),
        "log price lag-1 autocorrelation": float(np.corrcoef(logs[1:], logs[:-1])[0, 1]),
    }


def traffic_statistics(levels: Floats) -> dict[str, float]:
    """Return the statistics of 24 hourly traffic levels."""
    share = levels / levels.sum()
    return {
        "traffic peak share": float(share.max()),
        "traffic trough share": float(share.min()),
        "traffic peak hour": float(np.argmax(share)),
    }


def response_statistics(rates: Floats) -> dict[str, float]:
    """Return the statistics of response rates among units."""
    p10, median, p90 = np.quantile(rates, [0.1, 0.5, 0.9])
    return {"response median": float(median), "response p10": float(p10), "response p90": float(p90)}


def simulate_market(task: PacingTask, days: int, seed: int = 0) -> tuple[Series, Floats]:
    """Run the auctions of some days; return mean hourly prices, and 24 hourly numbers of auctions."""
    source = NumpyBackend(np.random.default_rng(seed))
    hidden = task.start(task.draw_reset(source, days))[0]
    cost, counts = np.zeros((days, 24)), np.zeros((days, 24))
    for tick, (market, batch) in enumerate(replay_market(task, hidden, source)):
        level = np.repeat(price_level(market, task.params, task.tables.hidden), batch.counts)
        owner = np.repeat(np.arange(days), batch.counts)
        hour = tick * 24 // task.horizon
        cost[:, hour] += np.bincount(owner, np.exp(level + batch.price_noise), minlength=days)
        counts[:, hour] += batch.counts
    hours = np.arange(days * 24, dtype=np.int64)
    return Series(hours, (cost / np.maximum(counts, 1)).ravel()), counts.sum(0)


def report(task: PacingTask, observed: Mapping[str, float], days: int = 400) -> list[Line]:
    """Return one line per observed statistic."""
    series, counts = simulate_market(task, days)
    params = task.params
    scores = np.random.default_rng(1).standard_normal(20_000)
    rates = value_quantiles(params, scores) * params.value_alpha / (params.value_alpha + params.value_beta)
    simulated = price_statistics(series) | traffic_statistics(counts) | response_statistics(rates)
    return compare(observed, {name: simulated[name] for name in observed}, _tolerance)


def _tolerance(name: str, observed: float) -> float:
    return TOLERANCES[name] * (1.0 if name in _ABSOLUTE else abs(observed))
