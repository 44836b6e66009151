"""The fidelity report: every statistic of the log beside that of a simulation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table

TOLERANCE = 0.1  # of the log's value


@dataclass(frozen=True, kw_only=True)
class Line:
    """One statistic of both logs."""

    name: str
    log: float
    simulation: float
    tolerance: float  # largest difference that counts as agreement, in the statistic's unit

    @property
    def ratio(self) -> float:
        """Simulation / log, NaN where the log has 0."""
        return self.simulation / self.log if self.log else math.nan

    @property
    def within(self) -> bool:
        """Whether the simulation agrees with the log."""
        return bool(abs(self.simulation - self.log) <= self.tolerance)


def compare(
    log: Mapping[str, float], simulation: Mapping[str, float], absolute: Mapping[str, float] | None = None
) -> list[Line]:
    """Compare statistic by statistic.

    Args:
        log: statistic -> value in the log.
        simulation: the same of a simulation.
        absolute: statistic -> largest difference; the others may differ by 10% of the log's value.

    Raises:
        ValueError: if the two do not hold the same statistics.
    """
    if set(log) != set(simulation):
        raise ValueError(f"both need the same statistics, these differ: {sorted(set(log) ^ set(simulation))}")
    limits = absolute or {}
    return [
        Line(
            name=name,
            log=float(value),
            simulation=float(simulation[name]),
            tolerance=float(limits.get(name, TOLERANCE * abs(value))),
        )
        for name, value in log.items()
        if math.isfinite(value)  # a log without long sessions has no exit hazard after 20 clicks
    ]


def format_table(lines: Sequence[Line]) -> Table:
    """Return the report as a table for the terminal."""
    table = Table("statistic", "log", "simulation", "ratio", "within", box=box.SIMPLE)
    for line in lines:
        table.add_row(*_cells(line))
    return table


def format_markdown(lines: Sequence[Line], source: Mapping[str, Any], notes: Sequence[str]) -> str:
    """Return the report as a markdown page."""
    cells: list[tuple[str, ...]] = [
        ("statistic", "log", "simulation", "ratio", "within"),
        ("---", "---:", "---:", "---:", "---"),
    ]
    cells += [_cells(line) for line in lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    facts = "\n".join(f"- {key}: {value}" for key, value in source.items() if not isinstance(value, Mapping))
    dropped = "\n".join(
        f"- dropped, {reason}: {count}" for reason, count in source.get("dropped", {}).items()
    )
    remarks = "\n".join(f"- {note}" for note in notes)
    parts = [
        "# Fidelity report",
        summarise(lines),
        facts,
        dropped,
        remarks,
        table,
        "![log and simulation](fidelity.png)",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def format_json(lines: Sequence[Line], source: Mapping[str, Any], notes: Sequence[str]) -> str:
    """Return the report as JSON."""
    rows = [
        {**asdict(line), "ratio": None if math.isnan(line.ratio) else line.ratio, "within": line.within}
        for line in lines
    ]
    return json.dumps(
        {"source": source, "notes": list(notes), "statistics": rows}, indent=2, ensure_ascii=False
    )


def summarise(lines: Sequence[Line]) -> str:
    """Return one sentence: how many statistics agree, and which do not."""
    apart = [line.name for line in lines if not line.within]
    text = f"{len(lines) - len(apart)} of {len(lines)} statistics agree with the log"
    return f"{text}; not: {', '.join(apart)}." if apart else f"{text}."


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if math.isnan(line.ratio) else f"{line.ratio:.3f}"
    return (line.name, f"{line.log:.4g}", f"{line.simulation:.4g}", ratio, "yes" if line.within else "NO")
