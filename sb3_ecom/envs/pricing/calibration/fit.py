"""Fit a season's parameters to units and prices: sensitivity, appeal, and how the demand level moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.checks import check_number, check_whole
from sb3_ecom.envs.pricing.calibration.price_log import PriceLog
from sb3_ecom.envs.pricing.calibration.sensitivity import (
    Estimate,
    check_identified,
    instrumented,
    product_effects,
    two_way,
)
from sb3_ecom.envs.pricing.demand import attraction
from sb3_ecom.envs.pricing.season.params import SeasonParams

_CONVERSION = 0.3  # share of visitors who buy at the mean prices, where neither the log nor anybody tells
_LOWEST, _HIGHEST = 0.02, 0.9  # of that share where it is fitted
_SURE = 0.15  # largest standard error of a fitted share
_LEAST_SEASONS = 4  # for a spread over seasons


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Fitted parameters, standard errors, and what was assumed or could not be told."""

    params: SeasonParams
    errors: dict[str, float]
    estimates: tuple[Estimate, ...]  # the first is used; others for comparison
    factor: Floats  # (T, K) price factors of the log
    notes: tuple[str, ...]


def fit_season(
    log: PriceLog,
    *,
    effects: str = "two-way",
    season: int = 13,
    visitors: float | None = None,
) -> Fit:
    """Fit a season of `season` periods.

    Args:
        log: units and prices.
        effects: "two-way" or "product"; an instrument in the log goes before.
        season: periods of a season.
        visitors: mean number a period; None: so many that 30% of them buy, which is then an assumption.

    Raises:
        ValueError: if the price sensitivity is not identified, or the log is shorter than a season.
    """
    check_whole("--season", season, 2, len(log.units), "periods (those of the log)")
    reference = (log.units * log.price).sum(0) / log.units.sum(0)
    factor = log.price / reference
    estimates = _estimates(log, factor, effects)
    check_identified(estimates[0], factor)
    slope, mean_units = estimates[0].value, float(log.units.sum(1).mean())
    notes: list[str] = []
    if visitors is None:
        visitors = mean_units / _conversion(log.units, factor, slope, notes)
    else:
        check_number("--visitors", visitors, above=1.01 * mean_units, unit="(units sold a period)")
        notes.append("visitors were given (--visitors)")
    appeal = _appeal(log.units, factor, slope, visitors)
    weight = attraction(factor, np.array(slope), appeal)
    share = weight.sum(1) / (1 + weight.sum(1))
    level_sd, level_drift, median = _level(log.units.sum(1), visitors * share, season, notes)
    spread = _sensitivity_spread(log.units, factor, season, notes)
    floor, cap = _bounds(factor, log)
    params = SeasonParams(
        price=tuple(reference.tolist()),
        appeal=tuple(np.clip(appeal, -20, 10).tolist()),
        stock=tuple(max(round(units), 1) for units in (log.units.mean(0) * season).tolist()),
        periods=season,
        visitors=visitors * median,
        level_sd=level_sd,
        level_drift=level_drift,
        sensitivity=slope,
        sensitivity_sd=spread,
        sensitivity_drift=0.0,
        floor=floor,
        cap=cap,
    )
    return Fit(
        params=params,
        errors={"sensitivity": estimates[0].standard_error},
        estimates=estimates,
        factor=factor,
        notes=(*notes, *_always(floor, cap)),
    )


def _always(floor: float, cap: float) -> tuple[str, ...]:
    """Return what is assumed or unknown in every fit."""
    return (
        f"floor and cap are the outermost price factors of the log, {floor:.3g} and {cap:.3g}: what nobody "
        "tried is not offered",
        "stock is assumed: what the log sold in a season, per product",
        "the drift of the sensitivity within a season is not identified: 0 was taken",
        "prices were not randomised: what moved price and demand together is in the estimate (observational)",
    )


def _estimates(log: PriceLog, factor: Floats, effects: str) -> tuple[Estimate, ...]:
    """Return the estimate asked for and, where it can be had, the other one beside it."""
    if log.instrument is not None:
        return (instrumented(log.units, factor, log.instrument),)
    methods = {"two-way": two_way, "product": product_effects}
    first = methods.pop(effects)(log.units, factor)
    try:
        return (first, *(other(log.units, factor) for other in methods.values()))
    except (ValueError, ImportError):  # the comparison is not needed
        return (first,)


def _conversion(units: Floats, factor: Floats, slope: float, notes: list[str]) -> float:
    """Return the share of visitors who buy at the mean prices, from how sales in all answer to all prices.

    With W = sum_k exp(utility) sales in all are V W / (1 + W): their log moves by 1 - share with log W.
    Changes from period to period are compared, in which a slow level hardly shows.
    """
    appeal = np.log(units.mean(0) / units.mean())
    attractive = np.log(attraction(factor, np.array(slope), appeal).sum(1))
    change, answer = np.diff(attractive), np.diff(np.log(units.sum(1) + 0.5))
    change, answer = change - change.mean(), answer - answer.mean()
    square = float(change @ change)
    if square > 0:
        share = 1 - float(change @ answer) / square
        rest = answer - (1 - share) * change
        error = float(np.sqrt(((change * rest) ** 2).sum()) / square)  # robust
        if error <= _SURE:
            kept = min(max(share, _LOWEST), _HIGHEST)
            notes.append(
                f"the share of visitors who buy was fitted to how sales in all answer to prices: {share:.2g} "
                f"(s.e. {error:.2g}){'' if kept == share else f', cut to {kept:g}'}; it takes demand not to "
                "move with prices (--visitors says how many come)"
            )
            return kept
    notes.append(f"visitors are assumed: so many that {_CONVERSION:.0%} of them buy (--visitors)")
    return _CONVERSION


def _appeal(units: Floats, factor: Floats, slope: float, visitors: float) -> Floats:
    """Return the (K,) utilities at which the products sell what they sold in all (Berry's contraction)."""
    wanted = units.mean(0)
    appeal = np.log(wanted / np.maximum(visitors - wanted.sum(), 1e-9))
    for _ in range(500):
        weight = attraction(factor, np.array(slope), appeal)
        sold = (visitors * weight / (1 + weight.sum(1, keepdims=True))).mean(0)
        move = np.log(wanted / sold)
        appeal = appeal + move
        if np.abs(move).max() < 1e-10:
            break
    return np.asarray(appeal)


def _level(total: Floats, expected: Floats, season: int, notes: list[str]) -> tuple[float, float, float]:
    """Return sd over seasons and drift per period of the log level, and the median level.

    A local level with independent noise: Var(d) = drift^2 + 2 noise, Cov(d_t, d_t-1) = -noise for the first
    differences d within seasons; the level's spread is that of season means beyond noise and drift.
    """
    log = np.log((total + 0.5) / (expected + 0.5))
    seasons = len(log) // season
    rows = log[: seasons * season].reshape(seasons, season)
    step = np.diff(rows, axis=1)
    step = step - step.mean()
    noise = max(-float((step[:, 1:] * step[:, :-1]).mean()), 0.0) if season > 2 else 0.0
    drift = float(np.sqrt(np.clip(step.var() - 2 * noise, 0.0, 1.0)))
    if seasons < _LEAST_SEASONS:
        notes.append(
            f"the log holds {seasons} seasons of {season} periods: too few to tell how the demand level "
            "differs between them; the spread over all periods was taken"
        )
        found = max(float(log.var()) - noise, 0.0)
    else:
        means = rows.mean(1)
        within = noise / season + drift**2 * season / 3
        found = max(float(means.var(ddof=1)) - within, 0.0)
    return min(float(np.sqrt(found)), 2.0), drift, float(np.exp(np.median(log)))


def _sensitivity_spread(units: Floats, factor: Floats, season: int, notes: list[str]) -> float:
    """Return the sd of the log sensitivity over seasons beyond the error of its estimates; 0 if not known."""
    seasons = len(units) // season
    found, errors = [], []
    for start in range(0, seasons * season, season):
        try:
            rows = slice(start, start + season)
            estimate = two_way(units[rows], factor[rows])
        except (ValueError, np.linalg.LinAlgError):
            continue
        if estimate.value > 2 * estimate.standard_error > 0:
            found.append(np.log(estimate.value))
            errors.append(estimate.standard_error / estimate.value)
    if len(found) < _LEAST_SEASONS:
        notes.append(
            f"the sensitivity is identified within {len(found)} seasons alone: its spread between seasons is "
            "not known, 0 was taken"
        )
        return 0.0
    variance = float(np.var(found, ddof=1) - np.mean(np.square(errors)))
    return min(float(np.sqrt(max(variance, 0.0))), 2.0)


def _bounds(factor: Floats, log: PriceLog) -> tuple[float, float]:
    """Return the lowest and highest price factor at which something was sold, around 1."""
    seen = factor[log.seen]
    floor = float(np.clip(seen.min(), 0.05, 1.0))
    cap = float(np.clip(seen.max(), 1.0, 10.0))
    return (floor, cap) if cap > floor else (floor * 0.999, cap)


def simulate_units(fit: Fit, source: np.random.Generator) -> Floats:
    """Return (T, K) units sold at the log's prices by customers drawn from the fit, season after season."""
    params, periods = fit.params, len(fit.factor)
    appeal = np.asarray(params.appeal)
    units = np.empty_like(fit.factor)
    level = slope = 0.0
    for period in range(periods):
        if period % params.periods == 0:
            level = params.level_sd * source.standard_normal()
            slope = params.sensitivity_sd * source.standard_normal()
        weight = attraction(fit.factor[period], np.array(params.sensitivity * np.exp(slope)), appeal)
        mean = params.visitors * np.exp(level) * weight / (1 + weight.sum())
        units[period] = source.poisson(mean)
        level += params.level_drift * source.standard_normal()
    return units
