"""Fit the market of EcomAds to your own logs.

Give one or more tables; each is used for what it holds:
  prices     a time and a price (cpm, or cost and impressions), at least three days of hours
  traffic    an hour or a time, and requests, traffic shares or impressions
  responses  impressions, clicks and conversions per keyword, ad or creative
What no log holds keeps the value of --base and is listed as assumed.

  sb3-ecom calibrate advertising auctions.csv ads.csv --out my_market.toml --price paid --price-unit mille

Then gymnasium.make("EcomAds-v0", preset="my_market.toml").
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core import preset_text
from sb3_ecom.core.console import make_console, say_next, working
from sb3_ecom.core.fidelity import check_means, format_markdown, format_reasons, format_table, summarise
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.core.preset_text import Notes, rounded
from sb3_ecom.core.tables.options import add_reading_options, count_cells, reading_options
from sb3_ecom.core.tables.reader import Column, Table, read_table
from sb3_ecom.core.tables.stray import find_stray_days
from sb3_ecom.core.tables.times import TimeReading
from sb3_ecom.envs.advertising.calibration.fidelity import (
    hourly_factor,
    price_errors,
    price_statistics,
    report,
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
from sb3_ecom.envs.advertising.calibration.spend import UNITS, price_per_mille
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.presets import load_preset

SUMMARY = "fit the auction market of EcomAds: prices, traffic, response rates"

_COLUMNS = (
    Column(option="time", kind="time", names=("timestamp", "time", "datetime"), required=False),
    Column(option="hour", kind="integer", names=("hour",), required=False),
    Column(option="price", kind="number", names=("cpm", "ecpm", "price", "value"), required=False),
    Column(option="cost", kind="number", names=("cost", "spend", "spent", "amount_spent"), required=False),
    Column(option="impressions", kind="number", names=("impressions", "imps", "wins"), required=False),
    Column(
        option="traffic",
        kind="number",
        names=("requests", "bid_requests", "auctions", "traffic_share"),
        required=False,
    ),
    Column(option="clicks", kind="number", names=("clicks",), required=False),
    Column(option="conversions", kind="number", names=("conversions",), required=False),
    Column(
        option="unit",
        kind="id",
        names=("keyword_id", "keyword", "ad_id", "creative_id", "eyecatcher_id"),
        required=False,
    ),
)
_HELP = {
    "time": "column of the time",
    "hour": "column of the hour of the day",
    "price": "column of a price, see --price-unit",
    "cost": "column of the money spent, see --price-unit",
    "impressions": "column of the impressions bought",
    "traffic": "column of the impressions on offer (or their share)",
    "clicks": "column of the clicks",
    "conversions": "column of the conversions",
    "unit": "column of the keyword, ad or creative",
}
_COUNTS = ("price", "cost", "impressions", "traffic", "clicks", "conversions")
_MEANS = ("price median", "response mean")  # of the report: what a fit must not miss by far
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help=".csv, .tsv, .txt (also .gz) or .parquet")
    parser.add_argument("--out", required=True, metavar="TOML", help="where to write the fitted market")
    parser.add_argument(
        "--base", default="exchange3", help="preset for what is not fitted (default %(default)s)"
    )
    parser.add_argument(
        "--report", type=Path, metavar="MD", help="fidelity report (default: <out>_report.md)"
    )
    parser.add_argument(
        "--price-unit",
        choices=UNITS,
        help="what a price or cost is the price of (default: none, must be given where there is one)",
    )
    add_reading_options(parser, _COLUMNS, _HELP)


def run(options: argparse.Namespace) -> None:
    """Fit, write preset and report, and print the report."""
    out = Path(options.out)
    place = options.report or out.with_name(f"{out.stem}_report.md")
    check_writable(out, ".toml")
    check_writable(place, place.suffix.lower())
    names = {column.option: getattr(options, column.option) for column in _COLUMNS}
    reading = reading_options(options, local=True)
    with working("fitting and simulating"):
        params, found = calibrate(options.logs, options.base, names, options.price_unit, **reading)
        params = correct_median(params, found)
        lines = report(PacingTask(**asdict(params)), found.observed, found.errors, found.shown)
    check_means(lines, _MEANS, "give a longer log, or check --price-unit and the columns taken")
    write_whole(place, format_markdown(lines, found.source, found.notes).encode())
    write_whole(out, format_preset(params, found, options.base).encode())
    for note in found.notes:
        print(note)
    console = make_console(markup=False, soft_wrap=True)
    console.print(format_table(lines))
    console.print(summarise(lines))
    for reason in format_reasons(lines):
        console.print(reason)
    console.print(f"wrote {out} and {place}")
    say_next(f"train --env EcomAds-v0 --preset {shlex.quote(str(out))}")


def calibrate(
    logs: Sequence[str | Path],
    base: str = "exchange3",
    names: dict[str, str | None] | None = None,
    price_unit: str | None = None,
    **reading: Any,
) -> tuple[PacingParams, Fit]:
    """Return parameters fitted to the logs.

    Args:
        logs: tables.
        base: preset of what is not fitted.
        names: option -> column name, where it is not a well-known one.
        price_unit: what a price or cost is the price of: mille, impression, click or total.
        **reading: encoding, times and decimal of `read_table`.

    Raises:
        ValueError: if a log is empty, broken or holds nothing to fit; says what to mend.
    """
    reading.setdefault("times", TimeReading(local=True))
    found, start = Fit(), load_preset(base)
    for log in logs:
        given = None if names is None else {k: v for k, v in names.items() if v is not None}
        table = read_table(log, _COLUMNS, given, **reading)
        name = Path(log).name
        _check_cells(table, name)
        found.notes += [
            f"{name}: took column {column!r} for {option}" for option, column in table.names.items()
        ]
        found.notes += [f"{name}: {note}" for note in count_cells(table)]
        _fit_table(found, table, name, price_unit, start)
    try:
        return replace(start, **found.params), found
    except ValueError as error:
        read = ", ".join(Path(log).name for log in logs)
        raise ValueError(
            f"{read}: the fit lies outside what can be simulated: {error}; "
            "give a longer log, or check the columns and units"
        ) from None


def correct_median(params: PacingParams, found: Fit) -> PacingParams:
    """Return the parameters with the median price of ticks that gives hours the log's median."""
    if "price_median" not in found.source:
        return params
    factor = hourly_factor(PacingTask(**asdict(params)))
    found.stderr["price_median"] /= factor
    found.notes.append(
        f"price_median is that of ticks: the log's median of hourly means {params.price_median:.4g} over "
        f"{factor:.3f}"
    )
    return replace(params, price_median=params.price_median / factor)


def _fit_table(found: Fit, table: Table, path: str, price_unit: str | None, start: PacingParams) -> None:
    columns, before = table.columns, len(found.source)
    if "time" in columns and table.time_unit == "seconds":
        _fit_prices(found, table, path, price_unit)
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
        raise ValueError(
            f"{path} holds nothing to fit (columns understood: {', '.join(columns) or 'none'}): "
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


def _check_cells(table: Table, log: str) -> None:
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


def format_preset(params: PacingParams, found: Fit, base: str) -> str:
    """Return the preset as TOML: what was fitted to what, and what is assumed."""
    values = asdict(params)
    notes: Notes = {}
    for name in values:
        error = found.stderr.get(name)
        fitted = f"fitted to {found.source.get(name)}" + (
            "" if error is None or np.isnan(error) else f", s.e. {error:.2g}"
        )
        notes["params", name] = fitted if name in found.source else f"as in {base}"
    content = {"params": {name: rounded(value, 6) for name, value in values.items()}}
    return preset_text.format_preset(content, "Written by `python -m sb3_ecom calibrate advertising`.", notes)
