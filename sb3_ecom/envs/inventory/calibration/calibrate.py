"""Fit EcomInventory-v0 to a shop's own sales: one row per invoice line or per item and day, CSV or parquet.

A row needs a date (ISO 8601, dates in any order, with month names, YYYYMMDD, unix time or days of Excel),
an item (sku) and a quantity; price and customer are optional. Well-known column names are found, others are
named by options:

  sb3-ecom calibrate inventory sales.csv --out my_shop.toml --date booked_at --sku article --quantity pieces

Then gymnasium.make("EcomInventory-v0", preset="my_shop.toml"). Beside it the fidelity report compares the log
with a simulation of the fitted demand. A log that does not cover the year tells no season: it is left out and
said so.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import numpy as np

from sb3_ecom.core.console import make_console, say_next, working
from sb3_ecom.core.fidelity import (
    WORST,
    Line,
    check_means,
    format_markdown,
    format_reasons,
    format_table,
    summarise,
)
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.core.tables.hashing import HELP as HASH_HELP
from sb3_ecom.core.tables.hashing import HashKey, hash_ids
from sb3_ecom.core.tables.options import add_reading_options, reading_options
from sb3_ecom.envs.inventory.calibration import fidelity
from sb3_ecom.envs.inventory.calibration.fit import Fit, fit_demand, simulate_log
from sb3_ecom.envs.inventory.calibration.sales_log import COLUMNS, Cleaning, SalesLog, read_sales
from sb3_ecom.envs.inventory.shop.demand_params import ShopDemand
from sb3_ecom.envs.inventory.shop.presets import format_preset

SUMMARY = "EcomInventory-v0 from a table of sales (date, sku, quantity, price)"

_HELP = {
    "date": "column of the date",
    "sku": "column of the item",
    "quantity": "column of the units sold; for rows <= 0 see --returns",
    "price": "column of the price per unit",
    "customer": "column of the customer, to count how many bought an item",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    rules = Cleaning()
    parser.add_argument("log", metavar="LOG", type=Path, help="CSV or parquet table of sales")
    parser.add_argument("--out", type=Path, required=True, metavar="TOML", help="where the preset is written")
    parser.add_argument(
        "--report", type=Path, metavar="MD", help="fidelity report (default: <out>_report.md)"
    )
    add_reading_options(parser, COLUMNS, _HELP)
    parser.add_argument(
        "--sku-pattern", default="", metavar="REGEX", help="keep items whose id matches (default: all)"
    )
    parser.add_argument(
        "--bulk-quantile",
        type=float,
        default=rules.bulk_quantile,
        metavar="Q",
        help="cut lines above this quantile of the item's own lines (default %(default)s; 1 cuts none)",
    )
    parser.add_argument(
        "--min-sale-days",
        type=int,
        default=rules.min_sale_days,
        metavar="N",
        help="drop items that sold on fewer days (default %(default)s)",
    )
    parser.add_argument(
        "--max-items",
        type=int,
        default=rules.max_items,
        metavar="N",
        help="keep so many items, evenly over the ranking by units sold (default %(default)s)",
    )
    parser.add_argument(
        "--min-customers",
        type=int,
        default=rules.min_customers,
        metavar="N",
        help="drop items of fewer customers, or rows where none is named (default %(default)s)",
    )
    parser.add_argument(
        "--returns",
        choices=("drop", "net"),
        default=rules.returns,
        help="negative quantities: left out, or taken off the item's earlier sales (default %(default)s)",
    )
    parser.add_argument(
        "--count-rows",
        action="store_true",
        help="take each row for one unit: the log has no quantity (default: units are asked for)",
    )
    parser.add_argument(
        "--trust-columns",
        action="store_true",
        help="fit units in parts and shops that sell once a week (default: refuse them as a wrong column)",
    )
    parser.add_argument(
        "--keep-item-ids", action="store_true", help="write the item ids as they are (default: hashes)"
    )
    parser.add_argument("--hash-key", type=Path, metavar="FILE", help=HASH_HELP)
    parser.add_argument(
        "--replicates", type=int, default=20, metavar="N", help="of the standard errors (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of replicates and report (default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Read, fit, simulate, compare and write."""
    cleaning = Cleaning(
        sku_pattern=options.sku_pattern,
        bulk_quantile=options.bulk_quantile,
        min_sale_days=options.min_sale_days,
        max_items=options.max_items,
        min_customers=options.min_customers,
        returns=options.returns,
        count_rows=options.count_rows,
        trust_columns=options.trust_columns,
    )
    if options.replicates < 0:
        raise ValueError(f"--replicates must be >= 0, got {options.replicates}")
    report = options.report or options.out.with_name(f"{options.out.stem}_report.md")
    check_writable(options.out, ".toml")
    check_writable(report, report.suffix.lower())
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    log = read_sales(options.log, names, cleaning, **reading_options(options, local=True))
    console = make_console(markup=False, soft_wrap=True)
    for option, name in log.columns.items():
        console.print(f"took column {name!r} for {option}")
    for unused in log.unused:
        console.print(unused)
    console.print(f"{log.rows:,} rows, {log.units.shape[0]} items, {log.days} days from {log.first_day}")
    for reason, count in log.dropped.items():
        console.print(f"dropped, {reason}: {count}")
    for note in log.notes:
        console.print(f"note: {note}")
    key = None if options.keep_item_ids else HashKey.find(options.hash_key, options.log, options.out)
    with working("fitting and simulating"):
        lines = calibrate(log, options.log.name, options.out, report, options.replicates, options.seed, key)
    console.print(format_table(lines))
    console.print(summarise(lines))
    for reason in format_reasons(lines):
        console.print(reason)
    console.print(f"wrote {options.out} and {report}")
    say_next(f"train --env EcomInventory-v0 --preset {shlex.quote(str(options.out))}")


def calibrate(
    log: SalesLog,
    name: str,
    out: Path,
    report: Path,
    replicates: int = 20,
    seed: int = 0,
    key: HashKey | None = None,
) -> list[Line]:
    """Fit a log and write preset and report; return the report's lines. Item ids are hashed by `key`."""
    advice = "let more items in (--min-sale-days, --max-items) or give a longer log"
    try:
        fit = fit_demand(log.units, log.price, log.first_day, replicates=replicates, seed=seed)
        lines = fidelity.compare(*_both_statistics(log, fit, seed))
    except (np.linalg.LinAlgError, FloatingPointError, IndexError, ZeroDivisionError) as error:
        raise ValueError(
            f"{name}: the sales of {len(log.units)} items on {log.days} days are too few to fit: {advice}"
        ) from error
    except ValueError as error:  # a parameter out of its range
        raise ValueError(f"{name}: the log can not be fitted: {error}; {advice}") from None
    check_means(lines, ("units a day, all items",), advice)
    check_level(fit.demand, log, advice)
    for note in fit.notes:
        print(f"note: {note}")
    source = describe(log, name) | {f"fit note {k}": note for k, note in enumerate(fit.notes, 1)}
    ids = log.labels if key is None else tuple(hash_ids(log.labels, key.value))
    if key is not None:
        key.save()
    write_whole(report, format_markdown(lines, source, closing=fidelity.CLOSING).encode())
    write_whole(out, format_preset(fit.demand, fit.errors, source, ids).encode())
    return lines


def check_level(demand: ShopDemand, log: SalesLog, advice: str) -> None:
    """Refuse a fit whose mean over the year is off the log's by more than a factor of `WORST`.

    Raises:
        ValueError: naming both, in one line.
    """
    fitted, logged = sum(demand.mean), float(log.units.sum(axis=0).mean())
    if not logged / WORST <= fitted <= logged * WORST:
        raise ValueError(
            f"nothing was written: the log sells {logged:.4g} units a day and the fitted shop {fitted:.4g}, "
            f"apart by more than a factor of {WORST:g}: the log's days do not stand for the year; {advice}"
        )


def describe(log: SalesLog, name: str) -> dict[str, str]:
    """Return where a fit comes from: the log, what was used of it and what was not."""
    facts = {
        "log": name,
        "rows used": f"{log.rows:,}",
        "items": str(log.units.shape[0]),
        "days": f"{log.days} from {log.first_day}",
        "units removed by the cut of bulk lines": f"{log.bulk_share:.1%}",
    }
    facts |= {f"column of {option}": column for option, column in log.columns.items()}
    facts |= {f"note {k}": note for k, note in enumerate(log.notes, 1)}
    return facts | {f"dropped, {reason}": count for reason, count in log.dropped.items()}


def _both_statistics(log: SalesLog, fit: Fit, seed: int) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Return the statistics of the log and of ten simulated logs."""
    source = np.random.default_rng(seed + 1)
    closed = log.units.sum(axis=0) == 0
    simulated = []
    for _ in range(10):
        units = simulate_log(fit.demand, log.first_day, log.days, source, closed)
        units[:, 0] += units.sum(axis=1) == 0
        simulated.append(fidelity.statistics(units, log.first_day))
    return fidelity.statistics(log.units, log.first_day), simulated
