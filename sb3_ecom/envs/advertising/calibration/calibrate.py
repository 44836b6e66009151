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
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core import preset_text
from sb3_ecom.core.console import make_console, say_next, working
from sb3_ecom.core.fidelity import check_means, format_markdown, format_reasons, format_table, summarise
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.core.preset_text import Notes, rounded
from sb3_ecom.core.tables.options import add_reading_options, count_cells, reading_options
from sb3_ecom.core.tables.reader import Column, read_table
from sb3_ecom.core.tables.times import TimeReading
from sb3_ecom.envs.advertising.calibration.export_rows import add_hours, drop_totals, forget_weekdays
from sb3_ecom.envs.advertising.calibration.fidelity import hourly_factor, report
from sb3_ecom.envs.advertising.calibration.spend import UNITS
from sb3_ecom.envs.advertising.calibration.tables import Fit, check_cells, fit_table
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.presets import load_preset

SUMMARY = "fit the auction market of EcomAds: prices, traffic, response rates"

_COLUMNS = (
    Column(
        option="time", kind="time", names=("timestamp", "time", "datetime", "date", "day"), required=False
    ),
    Column(option="hour", kind="integer", names=("hour", "hour_of_day", "hour_of_the_day"), required=False),
    Column(option="price", kind="number", names=("cpm", "ecpm", "price", "value"), required=False),
    Column(option="cost", kind="number", names=("cost", "spend", "spent", "amount_spent"), required=False),
    Column(
        option="impressions", kind="number", names=("impressions", "impr", "imps", "wins"), required=False
    ),
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
    "time": "column of the time, or of the date beside --hour",
    "hour": "column of the hour of the day",
    "price": "column of a price, see --price-unit",
    "cost": "column of the money spent, see --price-unit",
    "impressions": "column of the impressions bought",
    "traffic": "column of the impressions on offer (or their share)",
    "clicks": "column of the clicks",
    "conversions": "column of the conversions",
    "unit": "column of the keyword, ad or creative",
}
_MEANS = ("price median", "response mean")  # of the report: what a fit must not miss by far


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
        name = Path(log).name
        table = forget_weekdays(read_table(log, _COLUMNS, given, **reading))
        check_cells(table, name)
        table = add_hours(drop_totals(table))
        found.notes += [
            f"{name}: took column {column!r} for {option}" for option, column in table.names.items()
        ]
        found.notes += [f"{name}: {note}" for note in (*table.describe_unused(), *count_cells(table))]
        fit_table(found, table, name, price_unit, start)
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
