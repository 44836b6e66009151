"""Pages of results, generated from the figures of every id and from benchmarks/results."""

from __future__ import annotations

import csv
from pathlib import Path

from environments import our_specs

from sb3_ecom.cli.envs import describe, format_markdown


def write_results(folder: Path, results: Path) -> None:
    """Write `ladders.md` and `tables.md` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ladders.md").write_text(ladders(), encoding="utf-8")
    (folder / "tables.md").write_text(tables(results), encoding="utf-8")


def ladders() -> str:
    """Return the table of all ids."""
    text = format_markdown([describe(entry) for entry in our_specs()])
    head = (
        "# All ids\n\nReturn per episode (per period where the task has no natural end) and standard error. "
        "The same table: `python -m sb3_ecom envs --markdown`. Each figure's command stands on its page.\n\n"
    )
    return head + text + "\n"


def tables(results: Path) -> str:
    """Return every committed CSV as a table; long ones are cut."""
    lines = [
        "# Measured tables",
        "",
        "The committed files of `benchmarks/results`, as their commands wrote them.",
        "",
    ]
    for path in sorted(results.glob("*.csv")):
        lines += [f"## {path.stem}", ""]
        text = path.read_text(encoding="utf-8").splitlines()
        notes = [line.lstrip("# ") for line in text if line.startswith("#")]
        rows = list(csv.reader(line for line in text if line and not line.startswith("#")))
        lines += [*notes, ""] if notes else []
        if not rows:
            continue
        head, body = rows[0], rows[1:]
        lines += [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        lines += [
            f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
            for row in body[:40]
            if len(row) == len(head)
        ]
        lines += ["", f"{len(body)} rows in `benchmarks/results/{path.name}`.", ""]
    return "\n".join(lines)
