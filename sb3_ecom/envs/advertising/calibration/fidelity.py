"""Compare a simulated market with the log it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.fidelity import Line, compare, replicate_errors
from sb3_ecom.envs.advertising.calibration.fit import Series
from sb3_ecom.envs.advertising.pacing.dynamics import price_level
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.replay import replay_market

#: What the market model leaves out, by the statistic that shows it.
_REASONS = {
    "price": "prices are lognormal around an hour's level, days differ by one factor: no weekday, no trend",
    "log price": "the memory of prices is a day's level and one autoregression",
    "traffic": "traffic has one profile for all days",
    "response of all": "rates of units do not depend on their impressions; in the log they do",
    "response": "response rates are drawn from one beta law for all units",
}

#: Statistic -> tolerance: relative, or absolute for the autocorrelation and the hour.
_TOLERANCES = {
    "price median": 0.05,
    "price log-sd": 0.10,
    "price hour peak / mean": 0.10,
    "price hour trough / mean": 0.10,
    "log price lag-1 autocorrelation": 0.08,
    "traffic peak share": 0.05,
    "traffic trough share": 0.10,
    "traffic peak hour": 1.0,
    "response mean": 0.10,
    "response of all impressions": 0.10,
    "response sd": 0.15,
    "response median": 0.15,
    "response p10": 0.25,
    "response p90": 0.20,
}
_DRAWS = 40  # of resampled days, and of simulated response logs
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


def response_statistics(clicks: Floats, shown: Floats) -> dict[str, float]:
    """Return the statistics of the observed rates of units, from their clicks and impressions (> 0)."""
    rates = clicks / shown
    p10, median, p90 = np.quantile(rates, [0.1, 0.5, 0.9])
    return {
        "response mean": float(rates.mean()),
        "response of all impressions": float(clicks.sum() / shown.sum()),
        "response sd": float(rates.std()),
        "response median": float(median),
        "response p10": float(p10),
        "response p90": float(p90),
    }


def price_errors(series: Series) -> dict[str, float]:
    """Return the standard errors of the price statistics, from resampled whole days."""
    generator, day = np.random.default_rng(0), series.hour // 24
    days = np.unique(day)
    rows = [np.flatnonzero(day == each) for each in days]
    found = []
    for _ in range(_DRAWS):
        chosen = [rows[k] for k in generator.integers(days.size, size=days.size)]
        index = np.concatenate(chosen)
        hour = np.repeat(24 * np.arange(days.size), [each.size for each in chosen]) + series.hour[index] % 24
        found.append(price_statistics(Series(hour, series.price[index])))
    return replicate_errors(found)


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


def hourly_factor(task: PacingTask, days: int = 200) -> float:
    """Return the median of hourly mean prices over the median of the ticks' mean prices, in a simulation.

    The parameter `price_median` is the median of ticks, a log gives the median of hours. Both come from the
    same simulated days, so their ratio hardly depends on these.
    """
    source = NumpyBackend(np.random.default_rng(0))
    hidden = task.start(task.draw_reset(source, days))[0]
    levels, weights = [], []
    for market, batch in replay_market(task, hidden, source):
        levels.append(np.exp(price_level(market, task.params, task.tables.hidden)))
        weights.append(np.asarray(batch.counts, dtype=np.float64))
    level, weight = np.array(levels), np.maximum(np.array(weights), 1e-9)
    hour = np.arange(task.horizon) * 24 // task.horizon
    hours = [
        (level[hour == each] * weight[hour == each]).sum(0) / weight[hour == each].sum(0)
        for each in np.unique(hour)
    ]
    return float(np.median(hours) / np.median(level))


def _simulate_responses(params: PacingParams, shown: Floats, seed: int = 1) -> list[dict[str, float]]:
    """Return the response statistics of logs with the same impressions and the fitted law of rates."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(_DRAWS):
        rates = generator.beta(params.value_alpha, params.value_beta, shown.size)
        clicks = generator.binomial(np.round(shown).astype(np.int64), rates).astype(np.float64)
        found.append(response_statistics(clicks, shown))
    return found


def report(
    task: PacingTask,
    observed: Mapping[str, float],
    errors: Mapping[str, float] | None = None,
    shown: Floats | None = None,
    days: int = 400,
) -> list[Line]:
    """Return one line per observed statistic.

    Args:
        task: the fitted market.
        observed: statistic -> value in the log.
        errors: statistic -> standard error of that value, where it is known.
        shown: (units,) impressions behind the observed responses: the simulated rates are as noisy.
        days: of simulated auctions.
    """
    series, counts = simulate_market(task, days)
    simulated = price_statistics(series) | traffic_statistics(counts)
    noise = price_errors(series)
    spread = {name: float(np.hypot(value, noise[name])) for name, value in (errors or {}).items()}
    if shown is not None:
        found = _simulate_responses(task.params, shown)
        simulated |= {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        spread |= {name: value * np.sqrt(1 + 1 / _DRAWS) for name, value in replicate_errors(found).items()}
    tolerances = {
        name: _TOLERANCES[name] * (1.0 if name in _ABSOLUTE else abs(value))
        for name, value in observed.items()
    }
    return compare(
        observed, {name: simulated[name] for name in observed}, spread, tolerances, explain=_explain
    )


def _explain(name: str) -> str:
    """Return what the model leaves out, of a statistic that it does not reproduce."""
    return next((why for part, why in _REASONS.items() if name.startswith(part)), "why is not known")
