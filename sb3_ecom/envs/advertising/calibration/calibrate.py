"""Fit the market of EcomAds to your own logs.

Give one or more tables; each is used for what it holds:
  prices     a time and a price (price, cost or cpm), at least three days of hours
  traffic    an hour or a time, and impressions or traffic shares
  responses  impressions and clicks (or conversions) per keyword, ad or creative
What no log holds keeps the value of --base and is listed as assumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tables.reader import Column, Table, read_table
from sb3_ecom.envs.advertising.calibration.fidelity import (
    Line,
    price_statistics,
    report,
    response_statistics,
    traffic_statistics,
)
from sb3_ecom.envs.advertising.calibration.fit import (
    Fitted,
    fit_prices,
    fit_response,
    fit_traffic,
    hourly_series,
)
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.presets import load_preset

SUMMARY = "fit the auction market of EcomAds: prices, traffic, response rates"

COLUMNS = (
    Column(option="time", kind="time", names=("timestamp", "time", "datetime"), required=False),
    Column(option="hour", kind="integer", names=("hour",), required=False),
    Column(option="price", kind="number", names=("cpm", "price", "cost", "value"), required=False),
    Column(
        option="impressions",
        kind="number",
        names=("impressions", "requests", "auctions", "traffic_share"),
        required=False,
    ),
    Column(option="clicks", kind="number", names=("clicks", "conversions"), required=False),
    Column(
        option="unit",
        kind="id",
        names=("keyword_id", "keyword", "ad_id", "creative_id", "eyecatcher_id"),
        required=False,
    ),
)
_MAX_DROPPED = 0.1  # a log that loses more rows is refused


@dataclass
class Fit:
    """What the logs gave so far."""

    params: dict[str, Any] = field(default_factory=dict)
    stderr: dict[str, float] = field(default_factory=dict)
    observed: dict[str, float] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)  # parameter -> file name

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
    parser.add_argument("--time-format", help="strptime format of the times")
    for column in COLUMNS:
        known = ", ".join(column.names)
        parser.add_argument(f"--{column.option}", metavar="COLUMN", help=f"else one of: {known}")


def run(options: argparse.Namespace) -> None:
    """Fit, write the preset and print the fidelity report."""
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    params, found = calibrate(options.logs, options.base, names, options.time_format)
    task = PacingTask(**asdict(params))
    lines = report(task, found.observed)
    Path(options.out).write_text(format_preset(params, found, options.base), encoding="utf-8")
    print(f"wrote {options.out}\n{format_report(lines)}")


def calibrate(
    logs: Sequence[str | Path],
    base: str = "exchange3",
    names: dict[str, str | None] | None = None,
    time_format: str | None = None,
) -> tuple[PacingParams, Fit]:
    """Return parameters fitted to the logs.

    Raises:
        ValueError: if a log is empty, broken or holds nothing to fit; says what to mend.
    """
    found = Fit()
    for log in logs:
        given = None if names is None else {k: v for k, v in names.items() if v is not None}
        table = read_table(log, COLUMNS, given, time_format=time_format)
        _check_dropped(table, str(log))
        _fit_table(found, table.columns, Path(log).name)
    return replace(load_preset(base, PacingParams), **found.params), found


def _fit_table(found: Fit, columns: dict[str, NDArray[Any]], path: str) -> None:
    used = False
    if "time" in columns and "price" in columns:
        series = hourly_series(columns["time"], columns["price"], columns.get("impressions"))
        values, levels = fit_prices(series)
        found.add(values, path)
        found.add_profile("price_profile", levels, path)
        found.observed |= price_statistics(series)
        used = True
    hours = _hours(columns)
    if hours is not None and "impressions" in columns:
        levels = fit_traffic(hours, columns["impressions"])
        found.add_profile("traffic_profile", levels, path)
        found.observed |= traffic_statistics(levels)
        used = True
    if "impressions" in columns and "clicks" in columns and "unit" in columns:
        shown = np.bincount(columns["unit"], columns["impressions"]).astype(np.float64)
        clicks = np.bincount(columns["unit"], columns["clicks"]).astype(np.float64)
        found.add(fit_response(clicks[shown > 0], shown[shown > 0]), path)
        found.observed |= response_statistics(clicks[shown > 0] / shown[shown > 0])
        used = True
    if not used:
        raise ValueError(
            f"{path} holds nothing to fit (columns understood: {', '.join(columns) or 'none'}): "
            "give a time and a price, or an hour and impressions, or a unit, impressions and clicks; "
            "name them with the options"
        )


def _hours(columns: dict[str, NDArray[Any]]) -> NDArray[np.int64] | None:
    """Return hours of the day, or None where the log has only dates."""
    if "hour" in columns:
        hours = columns["hour"].astype(np.int64)
        if hours.min() < 0 or hours.max() > 23:
            raise ValueError(f"hours must be in [0, 23], got {hours.min()} to {hours.max()}")
        return hours
    if "time" not in columns:
        return None
    hours = (columns["time"] // 3600 % 24).astype(np.int64)
    return hours if np.unique(hours).size == 24 else None


def _check_dropped(table: Table, log: str) -> None:
    lost = 1 - table.rows / table.rows_read
    if lost > _MAX_DROPPED:
        reasons = "; ".join(f"{reason}: {dropped}" for reason, dropped in table.dropped.items())
        raise ValueError(f"{log}: {lost:.0%} of the rows do not parse, mend them first: {reasons}")


def format_preset(params: PacingParams, found: Fit, base: str) -> str:
    """Return the preset as TOML: what was fitted to what, and what is assumed."""
    lines = ["# Written by `python -m sb3_ecom calibrate advertising`.", "", "[params]"]
    for name, value in asdict(params).items():
        if name in found.source:
            error = found.stderr.get(name)
            note = f"fitted to {found.source[name]}" + (f", s.e. {error:.2g}" if error is not None else "")
        else:
            note = f"as in {base}"
        lines.append(f"{name} = {_toml(value)}  # {note}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return (
        f'"{value}"' if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)
    )


def format_report(lines: Sequence[Line]) -> str:
    """Return the fidelity report as a text table."""
    rows = [f"{'statistic':36}{'log':>10}{'simulated':>11}{'tolerance':>11}  holds"]
    for line in lines:
        holds = "yes" if line.holds else "NO"
        rows.append(f"{line.name:36}{line.log:10.4g}{line.simulated:11.4g}{line.tolerance:11.2g}  {holds}")
    return "\n".join(rows)
