"""Fit EcomInventory-v0 to a shop's own sales: one row per invoice line or per item and day, CSV or parquet.

A row needs a date, an item (sku) and a quantity; the price is optional. Well-known column names are found,
others are named by options:

  sb3-ecom calibrate inventory sales.csv --out my_shop.toml --date booked_at --sku article --quantity pieces

Then gymnasium.make("EcomInventory-v0", preset="my_shop.toml"). Beside it the fidelity report compares the log
with a simulation of the fitted demand.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.envs.inventory.calibration import fidelity
from sb3_ecom.envs.inventory.calibration.fit import Fit, fit_demand, simulate_log
from sb3_ecom.envs.inventory.calibration.sales_log import COLUMNS, Cleaning, SalesLog, read_sales
from sb3_ecom.envs.inventory.shop.presets import format_preset

SUMMARY = "EcomInventory-v0 from a table of sales (date, sku, quantity, price)"

_HELP = {
    "date": "column of the date",
    "sku": "column of the item",
    "quantity": "column of the units sold; rows <= 0 (returns) are dropped and counted",
    "price": "column of the price per unit",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    rules = Cleaning()
    parser.add_argument("log", metavar="LOG", type=Path, help="CSV or parquet table of sales")
    parser.add_argument("--out", type=Path, required=True, metavar="TOML", help="where the preset is written")
    parser.add_argument(
        "--report", type=Path, metavar="MD", help="fidelity report (default: <out>_report.md)"
    )
    for column in COLUMNS:
        known = f"; known names: {', '.join(column.names)}"
        parser.add_argument(f"--{column.option}", metavar="COLUMN", help=_HELP[column.option] + known)
    parser.add_argument(
        "--time-format", metavar="FORMAT", help="strptime format, if the dates are in no usual one"
    )
    parser.add_argument("--encoding", default="utf-8", help="of a CSV file (default %(default)s)")
    parser.add_argument("--sku-pattern", default="", metavar="REGEX", help="keep items whose id matches")
    parser.add_argument(
        "--bulk-quantile",
        type=float,
        default=rules.bulk_quantile,
        metavar="Q",
        help="cut lines above this quantile of the item's own lines (default %(default)s; 1 cuts none)",
    )
    parser.add_argument("--min-sale-days", type=int, default=rules.min_sale_days, metavar="N")
    parser.add_argument("--max-items", type=int, default=rules.max_items, metavar="N")
    parser.add_argument("--replicates", type=int, default=20, metavar="N", help="of the standard errors")
    parser.add_argument("--seed", type=int, default=0, help="of replicates and report (default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Read, fit, simulate, compare and write."""
    cleaning = Cleaning(
        sku_pattern=options.sku_pattern,
        bulk_quantile=options.bulk_quantile,
        min_sale_days=options.min_sale_days,
        max_items=options.max_items,
    )
    if options.replicates < 0:
        raise ValueError(f"--replicates must be >= 0, got {options.replicates}")
    check_writable(options.out, ".toml")
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    log = read_sales(options.log, names, cleaning, encoding=options.encoding, time_format=options.time_format)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{log.rows:,} rows, {log.units.shape[0]} items, {log.days} days from {log.first_day}")
    for reason, count in log.dropped.items():
        console.print(f"dropped, {reason}: {count}")
    report = options.report or options.out.with_name(f"{options.out.stem}_report.md")
    lines = calibrate(log, options.log.name, options.out, report, options.replicates, options.seed)
    console.print(as_table(lines))
    for line in lines:
        if not line.within:
            console.print(f"{line.name}: {fidelity.reason(line.name)}")
    console.print(f"wrote {options.out} and {report}")


def calibrate(
    log: SalesLog, name: str, out: Path, report: Path, replicates: int = 20, seed: int = 0
) -> list[fidelity.Line]:
    """Fit a log and write preset and report; return the report's lines."""
    fit = fit_demand(log.units, log.price, log.first_day, replicates=replicates, seed=seed)
    lines = fidelity.compare(*_both_statistics(log, fit, seed))
    source = describe(log, name)
    write_whole(report, fidelity.format_markdown(lines, source).encode())
    write_whole(out, format_preset(fit.demand, fit.errors, source).encode())
    return lines


def describe(log: SalesLog, name: str) -> dict[str, str]:
    """Return where a fit comes from: the log, what was used of it and what was not."""
    facts = {
        "log": name,
        "rows used": f"{log.rows:,}",
        "items": str(log.units.shape[0]),
        "days": f"{log.days} from {log.first_day}",
        "units removed by the cut of bulk lines": f"{log.bulk_share:.1%}",
    }
    return facts | {f"dropped, {reason}": count for reason, count in log.dropped.items()}


def _both_statistics(log: SalesLog, fit: Fit, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the statistics of the log and their mean over ten simulated logs."""
    source = np.random.default_rng(seed + 1)
    closed = log.units.sum(axis=0) == 0
    simulated = []
    for _ in range(10):
        units = simulate_log(fit.demand, log.first_day, log.days, source, closed)
        units[:, 0] += units.sum(axis=1) == 0
        simulated.append(fidelity.statistics(units, log.first_day))
    means = {name: float(np.mean([each[name] for each in simulated])) for name in simulated[0]}
    return fidelity.statistics(log.units, log.first_day), means


def as_table(lines: list[fidelity.Line]) -> Table:
    """Return the report for a terminal."""
    table = Table("statistic", "log", "simulation", "within", box=box.SIMPLE)
    for line in lines:
        table.add_row(line.name, f"{line.log:.4g}", f"{line.simulation:.4g}", "yes" if line.within else "no")
    return table
