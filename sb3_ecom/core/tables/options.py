"""Command-line options of reading a log, the same for every domain."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from sb3_ecom.core.tables.reader import Column, Table
from sb3_ecom.core.tables.times import TimeReading


def add_reading_options(
    parser: argparse.ArgumentParser, columns: Sequence[Column], texts: Mapping[str, str]
) -> None:
    """Add one option per column (explained by `texts`), and those of times and numbers."""
    group = parser.add_argument_group("columns of the log")
    for column in columns:
        need = "required" if column.required else "optional"
        known = f"; known names: {', '.join(column.names)}" if column.names else ""
        text = f"{texts[column.option]} ({need}){known}"
        if "default" not in text:
            text += " (default: a known name, if there is one)" if known else " (default: none)"
        group.add_argument(f"--{column.option}", metavar="COLUMN", help=text)
    group = parser.add_argument_group("how the log is written")
    group.add_argument(
        *("--time-format", "--date-format"),
        metavar="FORMAT",
        help="strptime format, if the times are in no usual one (default: found out from the log)",
    )
    group.add_argument(
        "--dayfirst",
        action=argparse.BooleanOptionalAction,
        help="read 3/4/2024 as 3 April (default: found out from the log)",
    )
    group.add_argument(
        "--timezone",
        metavar="NAME",
        help="shop's time zone (Europe/Berlin), of times with an offset (default: times as written)",
    )
    group.add_argument("--decimal", choices=(",", "."), help="decimal sign (default: found out from the log)")
    group.add_argument("--encoding", default="utf-8", help="of a CSV file (default %(default)s)")


def reading_options(options: argparse.Namespace, local: bool) -> dict[str, Any]:
    """Return the keyword arguments of `read_table`; with `local`, times are those of the shop's own clock."""
    times = TimeReading(
        time_format=options.time_format, dayfirst=options.dayfirst, local=local, timezone=options.timezone
    )
    return {"encoding": options.encoding, "times": times, "decimal": options.decimal}


def count_cells(table: Table) -> list[str]:
    """Return what to say of how a table was read, and of cells of optional columns that were lost."""
    return table.notes + [
        f"{reason} in {cells} rows: the rows were kept" for reason, cells in table.lost.items()
    ]
