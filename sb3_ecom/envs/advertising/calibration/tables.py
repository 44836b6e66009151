"""What one table of an ads account tells of the market: prices, traffic by hour, response rates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Table
from sb3_ecom.core.tables.stray import find_stray_days
from sb3_ecom.envs.advertising.calibration.export_rows import only_dates
from sb3_ecom.envs.advertising.calibration.fidelity import (
    price_errors,
    price_statistics,
    response_statistics,
    traffic_statistics,
)
from sb3_ecom.envs.advertising.calibration.fit import (
    MOST_SHAPE,
    Fitted,
    fit_prices,
    fit_response,
    fit_traffic,
    hourly_series,
)
from sb3_ecom.envs.advertising.calibration.spend import price_per_mille
from sb3_ecom.envs.advertising.pacing.params import PacingParams

_COUNTS = ("price", "cost", "impressions", "traffic", "clicks", "conversions")
_MAX_LOST = 0.5  # a column that loses more of its cells is refused


@dataclass
class Fit:
    """Results of the logs so far."""

    params: dict[str, Any] = field(default_factory=dict)
    stderr: dict[str, float] = field(default_factory=dict)
    observed: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)  # standard errors of what was observed
    shown: NDArray[np.float64] | None = None  # impressions of each unit whose responses were observed
    source: dict[str, str] = field(default_factory=dict)  # parameter -> file name
    notes: list[str] = field(default_factory=list)  # what the user should know

    def add(self, found: dict[str, Fitted], path: str) -> None:
        """Keep fitted values; a later log overrides an earlier one."""
        for name, value in found.items():
            self.params[name], self.stderr[name] = value.value, value.stderr
            self.source[name] = path

    def add_profile(self, name: str, levels: NDArray[np.float64], path: str) -> None:
        """Keep 24 hourly levels."""
        self.params[name] = tuple(round(float(level), 4) for level in levels)
        self.source[name] = path


def check_cells(table: Table, log: str) -> None:
    """Refuse a column that lost most of its cells, and numbers below 0."""
    for counts, share in ((table.dropped, 0.1), (table.lost, _MAX_LOST)):
        for reason, fault in counts.items():
            if fault.count > share * table.rows_read:
                part = f"{fault.count / table.rows_read:.0%}"
                raise ValueError(
                    f"{log}: {part} of the rows do not parse, mend them first: {reason}: {fault}"
                )
    for name in _COUNTS:
        if name in table.columns and np.nanmin(table.columns[name], initial=0.0) < 0:
            wrong = table.columns[name] < 0
            row = table.row_numbers[wrong.argmax()]
            raise ValueError(
                f"{log}: {name} must be >= 0, {int(wrong.sum()):,} rows are below (first: row {row:,}): "
                "remove or correct them"
            )


def fit_table(found: Fit, table: Table, path: str, price_unit: str | None, start: PacingParams) -> None:
    """Fit what a table holds.

    Args:
        found: results so far; those of this table are added.
        table: of the log.
        path: its name, for notes and messages.
        price_unit: what a price or cost is the price of.
        start: parameters that are not fitted.

    Raises:
        ValueError: if the table holds nothing to fit, or numbers that can not be right.
    """
    columns, before = table.columns, len(found.source)
    if "time" in columns and table.time_unit == "seconds" and not only_dates(table):
        _fit_prices(found, table, path, price_unit)
    elif "price" in columns or "cost" in columns:
        lack = "the times are dates without an hour" if "time" in columns else "no column of the time"
        found.notes.append(f"{path}: prices stay assumed: {lack} (--time, or a date and --hour)")
    hours, volume = _hours(table, path), columns.get("traffic", columns.get("impressions"))
    if hours is None and volume is not None and "time" in columns:
        found.notes.append(f"{path}: traffic_profile stays assumed: the times do not hold all 24 hours")
    if hours is not None and volume is not None:
        known = (hours >= 0) & np.isfinite(volume)
        levels = fit_traffic(hours[known], volume[known])
        found.add_profile("traffic_profile", levels, path)
        found.observed |= traffic_statistics(levels)
    if "impressions" in columns:
        _fit_responses(found, table, path, start)
    if len(found.source) == before:
        understood = f"columns understood: {', '.join(columns) or 'none'}"
        raise ValueError(
            f"{path} holds nothing to fit ({'; '.join([understood, *table.describe_unused()])}): "
            "give a time and a price, or an hour and impressions, or a unit, impressions and clicks; "
            "name them with the options"
        )


def _fit_prices(found: Fit, table: Table, path: str, price_unit: str | None) -> None:
    read = price_per_mille(table.columns, table.names, price_unit, path)
    if read is None:
        return
    price, said = read
    found.notes.append(f"{path}: {said}")
    time = table.columns["time"]
    weight = table.columns.get("impressions", table.columns.get("traffic", np.ones_like(price)))
    rows = np.flatnonzero(np.isfinite(time) & np.isfinite(price) & np.isfinite(weight))
    rows = rows[np.argsort(time[rows], kind="stable")]
    stray = find_stray_days(np.floor(time[rows] / 86_400).astype(np.int64))
    if stray.any():
        first = table.row_numbers[rows[stray]].min()
        found.notes.append(
            f"{path}: left out {int(stray.sum()):,} rows of stray dates (first: row {first:,})"
        )
        rows = rows[~stray]
    if not rows.size:
        raise ValueError(f"{path}: no row holds both a time and a price")
    series = hourly_series(time[rows], price[rows], weight[rows])
    values, levels = fit_prices(series)
    absent = sorted(set(range(24)) - set((series.hour % 24).tolist()))
    if absent:
        found.notes.append(
            f"{path}: no price at hour{'s' * (len(absent) > 1)} {', '.join(map(str, absent))}: price_profile "
            "is interpolated there"
        )
    found.add(values, path)
    found.add_profile("price_profile", levels, path)
    found.observed |= price_statistics(series)
    found.errors |= price_errors(series)


def _fit_responses(found: Fit, table: Table, path: str, start: PacingParams) -> None:
    """Fit the rates of response: their law among units, or else their mean, and the conversions."""
    columns = table.columns
    shown = columns["impressions"]
    for name in ("clicks", "conversions"):
        if name in columns and not np.nansum(columns[name]):
            raise ValueError(
                f"{path}: column {table.names[name]!r} holds no {name[:-1]} at all: nothing to fit"
            )
    if "conversions" in columns and "clicks" in columns:
        known = np.isfinite(shown) & np.isfinite(columns["conversions"])
        count, total = columns["conversions"][known].sum(), shown[known].sum()
        found.add({"conversion_rate": Fitted(float(count / total), float(np.sqrt(count) / total))}, path)
    name = "clicks" if "clicks" in columns else "conversions"
    if name not in columns:
        return
    known = np.isfinite(shown) & np.isfinite(columns[name])
    shown, clicks = shown[known], columns[name][known]
    if "unit" in columns:
        unit = columns["unit"][known]
        shown, clicks = np.bincount(unit, shown).astype(float), np.bincount(unit, clicks).astype(float)
        law = fit_response(clicks[shown > 0], shown[shown > 0])
        found.add(law, path)
        if np.isnan(law["value_alpha"].stderr):
            found.notes.append(
                f"{path}: rates of units differ no more than by chance: value_alpha and value_beta hold "
                "their mean, and a spread too small to be seen in this log"
            )
        found.shown = shown[shown > 0]
        found.observed |= response_statistics(clicks[shown > 0], found.shown)
        return
    _fit_mean_rate(found, path, name, float(clicks.sum()), float(shown.sum()), start.value_alpha)


def _fit_mean_rate(found: Fit, path: str, name: str, clicks: float, shown: float, alpha: float) -> None:
    """Fit `value_beta` to the mean rate; how units differ, `value_alpha`, stays assumed as far as it can."""
    rate = clicks / shown if shown else 0.0
    if not 0 < rate < 1:
        raise ValueError(f"{path}: {name} must be fewer than impressions, their ratio is {rate:.3g}")
    beta = alpha * (1 - rate) / rate
    if beta > MOST_SHAPE:  # a rare response: keep its mean with a wider law
        alpha, beta = MOST_SHAPE * rate / (1 - rate), MOST_SHAPE
        found.add({"value_alpha": Fitted(alpha, np.nan)}, path)
        found.notes.append(
            f"{path}: value_beta is at its upper limit, value_alpha {alpha:.3g} gives the mean"
        )
    found.add({"value_beta": Fitted(beta, beta / float(np.sqrt(clicks)))}, path)
    found.notes.append(
        f"{path}: {name} give the mean rate {rate:.3g} only; how rates differ among keywords or ads stays "
        "assumed: name their column with --unit"
    )


def _hours(table: Table, path: str) -> NDArray[np.int64] | None:
    """Return hours of the day (-1: not known), or None where the log has only dates."""
    columns = table.columns
    if "hour" in columns:
        hours = columns["hour"]
        wrong = (hours < 0) | (hours > 23)
        if wrong.any():
            row = table.row_numbers[wrong.argmax()]
            raise ValueError(
                f"{path}: hours must be in [0, 23], {int(wrong.sum()):,} are not (first: row {row:,})"
            )
        return np.where(np.isfinite(hours), hours, -1).astype(np.int64)
    if "time" not in columns or table.time_unit != "seconds":
        return None
    time = columns["time"]
    found = np.where(np.isfinite(time), np.nan_to_num(time) // 3600 % 24, -1).astype(np.int64)
    return found if np.unique(found[found >= 0]).size == 24 else None
