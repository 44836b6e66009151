"""Fit EcomPricing-v0 to a shop's own prices and sales: one row per sale or per product and day or week.

A row needs a date, an item (sku), a price and a quantity. Well-known column names are found, others are named
by options:

  sb3-ecom calibrate pricing sales.csv --out my_season.toml --date booked_at --price net_price --season 13

Then gymnasium.make("EcomPricing-v0", preset="my_season.toml"). The price sensitivity comes with its standard
error; where prices moved too little to tell it, or moved with demand, the command says so and writes nothing.
Prices of a log were set by somebody: what moved price and demand together stays in the estimate, unless a
column that moves prices alone is named (--instrument).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sb3_ecom.core.console import make_console
from sb3_ecom.core.fidelity import Line, check_means, format_markdown, format_reasons, format_table, summarise
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.core.tables.hashing import HELP as HASH_HELP
from sb3_ecom.core.tables.hashing import HashKey, hash_ids
from sb3_ecom.core.tables.options import add_reading_options, reading_options
from sb3_ecom.envs.pricing.calibration import fidelity
from sb3_ecom.envs.pricing.calibration.fit import Fit, fit_season, simulate_units
from sb3_ecom.envs.pricing.calibration.price_log import COLUMNS, PERIODS, PriceLog, read_prices
from sb3_ecom.envs.pricing.calibration.sensitivity import EFFECTS
from sb3_ecom.envs.pricing.season.presets import format_preset

SUMMARY = "EcomPricing-v0 from a table of prices and sales (date, sku, price, quantity)"

_HELP = {
    "date": "column of the date",
    "sku": "column of the item",
    "price": "column of the price per unit",
    "quantity": "column of the units sold; rows <= 0 are dropped",
    "instrument": "column that moves prices and not demand, such as a purchase cost (statsmodels)",
}
_REPLICATES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("log", metavar="LOG", type=Path, help="CSV or parquet table of sales")
    parser.add_argument("--out", type=Path, required=True, metavar="TOML", help="where the preset is written")
    parser.add_argument(
        "--report", type=Path, metavar="MD", help="fidelity report (default: <out>_report.md)"
    )
    add_reading_options(parser, COLUMNS, _HELP)
    parser.add_argument(
        "--period", choices=tuple(PERIODS), default="week", help="between price changes (default %(default)s)"
    )
    parser.add_argument("--season", type=int, default=13, metavar="N", help="periods (default %(default)s)")
    parser.add_argument(
        "--max-items",
        type=int,
        default=8,
        metavar="N",
        help="best sellers that are kept (default %(default)s)",
    )
    parser.add_argument(
        "--visitors", type=float, metavar="N", help="mean visitors a period (default: assumed from units)"
    )
    parser.add_argument(
        "--effects",
        choices=EFFECTS,
        default=EFFECTS[0],
        help="what is held fixed: product and period, or product alone (statsmodels; default %(default)s)",
    )
    parser.add_argument(
        "--keep-item-ids", action="store_true", help="write the item ids as they are (default: hashes)"
    )
    parser.add_argument("--hash-key", type=Path, metavar="FILE", help=HASH_HELP)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the report's simulations (default %(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Read, fit, simulate, compare and write."""
    report = options.report or options.out.with_name(f"{options.out.stem}_report.md")
    check_writable(options.out, ".toml")
    check_writable(report, report.suffix.lower())
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    reading = reading_options(options, local=True)
    log = read_prices(options.log, names, period=options.period, max_items=options.max_items, **reading)
    console = make_console(markup=False, soft_wrap=True)
    for option, name in log.columns.items():
        console.print(f"took column {name!r} for {option}")
    periods, products = log.units.shape
    console.print(f"{log.rows:,} rows, {products} products, {periods} {options.period}s from {log.first_day}")
    for reason, count in log.dropped.items():
        console.print(f"dropped, {reason}: {count}")
    for note in log.notes:
        console.print(f"note: {note}")
    fit = fit_season(log, effects=options.effects, season=options.season, visitors=options.visitors)
    key = None if options.keep_item_ids else HashKey.find(options.hash_key, options.log, options.out)
    lines = write(log, fit, options.log.name, options.out, report, options.seed, key)
    for sentence in describe_estimates(fit):
        console.print(sentence)
    for note in fit.notes:
        console.print(f"note: {note}")
    console.print(format_table(lines))
    console.print(summarise(lines))
    for reason in format_reasons(lines):
        console.print(reason)
    console.print(f"wrote {options.out} and {report}")


def write(
    log: PriceLog, fit: Fit, name: str, out: Path, report: Path, seed: int, key: HashKey | None
) -> list[Line]:
    """Compare a fit with its log, write preset and report; return the report's lines."""
    source = np.random.default_rng(seed + 1)
    simulated = [fidelity.statistics(simulate_units(fit, source), fit.factor) for _ in range(_REPLICATES)]
    lines = fidelity.compare(fidelity.statistics(log.units, fit.factor), simulated)
    check_means(lines, ("units a period, all products",), "give a longer log, or another --season")
    facts = describe(log, fit, name)
    ids = log.labels if key is None else tuple(hash_ids(log.labels, key.value))
    if key is not None:
        key.save()
    notes = [*describe_estimates(fit), *fit.notes]
    write_whole(report, format_markdown(lines, facts, notes, fidelity.CLOSING).encode())
    write_whole(out, format_preset(fit.params, fit.errors, facts, ids).encode())
    return lines


def describe_estimates(fit: Fit) -> list[str]:
    """Return the price sensitivity by each method, with its standard error, and elasticities."""
    shares = np.exp(np.asarray(fit.params.appeal))
    shares = shares / (1 + shares.sum())
    found = []
    for place, each in enumerate(fit.estimates):
        own = -each.value * (1 - shares)
        found.append(
            f"price sensitivity {each.value:.3g} (s.e. {each.standard_error:.2g}), {each.method} effects"
            f"{'' if place == 0 else ', for comparison'}: own-price elasticities at the mean prices "
            f"{own.min():.3g} to {own.max():.3g}"
        )
    return found


def describe(log: PriceLog, fit: Fit, name: str) -> dict[str, str]:
    """Return where a fit comes from: the log, what was used of it and what was not."""
    periods, products = log.units.shape
    facts = {
        "log": name,
        "rows used": f"{log.rows:,}",
        "products": str(products),
        "periods": f"{periods} from {log.first_day}",
        "identification": f"{fit.estimates[0].method}, observational",
        "prices carried on where nothing was sold": f"{float(1 - log.seen.mean()):.1%} of cells",
    }
    facts |= {f"column of {option}": column for option, column in log.columns.items()}
    facts |= {f"note {k}": note for k, note in enumerate((*log.notes, *fit.notes), 1)}
    return facts | {f"dropped, {reason}": count for reason, count in log.dropped.items()}
