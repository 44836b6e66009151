"""Tables of results: where they lie, how they are read, written and printed."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sb3_ecom
from sb3_ecom.cli.throughput import describe_machine
from sb3_ecom.core.files import write_whole

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"


def heading(**more: object) -> str:
    """Return the first line of a table of timings: version, commit and machine."""
    machine = {"sb3_ecom": sb3_ecom.__version__, "commit": commit(), **more, **describe_machine()}
    return ", ".join(f"{key} {value}" for key, value in machine.items())


@cache
def commit() -> str:
    """Return the checkout's short commit, with a + where files differ from it; "unknown" outside git."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def read_heading(path: Path) -> str:
    """Return a table's first line without its #; empty where it has none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return lines[0].removeprefix("# ") if lines and lines[0].startswith("#") else ""


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return a table's rows; none where there is no file. Lines that begin with # are skipped."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def write_rows(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any] | Mapping[str, Any]], first: str = ""
) -> None:
    """Replace a table as a whole; `first` goes above the columns, behind a #."""
    text = io.StringIO()
    if first:
        text.write(f"# {first}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(cells(row, columns) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode())


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
    """Print a table in aligned columns."""
    lines = [tuple(map(str, cells(row, columns))) for row in (columns, *rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)), flush=True)


def save(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], first: str = "") -> None:
    """Print a table and write it to benchmarks/results."""
    if first:
        print(first)
    print_rows(columns, rows)
    write_rows(RESULTS / name, columns, rows, first)
    print(f"saved {RESULTS / name}")


def cells(row: Sequence[Any] | Mapping[str, Any], columns: Sequence[str]) -> Sequence[Any]:
    """Return a row's cells in the order of the columns."""
    return [row.get(name, "") for name in columns] if isinstance(row, Mapping) else row
