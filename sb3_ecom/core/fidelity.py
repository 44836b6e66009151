"""Fidelity reports: statistics of a log beside those of a simulation, as table, markdown page or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

HEAD = ("statistic", "log", "simulation", "ratio", "tolerance", "agrees")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One statistic of a log and of a simulation."""

    name: str
    observed: float
    simulated: float
    tolerance: float  # largest difference that counts as agreement, in the statistic's unit
    reason: str = ""  # what the model leaves out that would show here, where it is known

    @property
    def agrees(self) -> bool:
        """True if the two differ by no more than the tolerance."""
        return bool(abs(self.simulated - self.observed) <= self.tolerance)

    @property
    def ratio(self) -> float:
        """Simulated / observed; NaN where the log has 0."""
        return self.simulated / self.observed if self.observed else math.nan


def compare(
    observed: Mapping[str, float],
    simulated: Mapping[str, float],
    tolerance: Callable[[str, float], float],
    reason: Callable[[str], str] = lambda name: "",
) -> list[Line]:
    """Return one line per statistic that the log tells (is finite), in the log's order.

    Args:
        observed: statistic -> value in the log.
        simulated: the same of a simulation.
        tolerance: (statistic, its value in the log) -> largest difference that counts as agreement.
        reason: statistic -> what the model leaves out there; "" where nothing is known.

    Raises:
        ValueError: if the two do not hold the same statistics.
    """
    if set(observed) != set(simulated):
        differing = sorted(set(observed) ^ set(simulated))
        raise ValueError(f"both need the same statistics, these differ: {differing}")
    return [
        Line(
            name=name,
            observed=float(value),
            simulated=float(simulated[name]),
            tolerance=float(tolerance(name, value)),
            reason=reason(name),
        )
        for name, value in observed.items()
        if math.isfinite(value)
    ]


def summarise(lines: Sequence[Line]) -> str:
    """Return one sentence: how many statistics agree, and which do not."""
    apart = [line.name for line in lines if not line.agrees]
    text = f"{len(lines) - len(apart)} of {len(lines)} statistics agree with the log"
    return f"{text}; not: {', '.join(apart)}." if apart else f"{text}."


def reasons(lines: Sequence[Line]) -> list[str]:
    """Return "statistic: reason." of those that do not agree and for which a reason is known."""
    return [f"{line.name}: {line.reason}." for line in lines if line.reason and not line.agrees]


def format_table(lines: Sequence[Line]) -> Table:
    """Return the report as a table for the terminal."""
    from rich import box
    from rich.table import Table

    table = Table(*HEAD, box=box.SIMPLE)
    for line in lines:
        table.add_row(*_cells(line))
    return table


def format_markdown(
    lines: Sequence[Line],
    facts: Mapping[str, Any],
    notes: Sequence[str] = (),
    *,
    picture: str = "",
    ending: str = "",
) -> str:
    """Return the report as a markdown page.

    Args:
        lines: of the report.
        facts: where the log comes from and what was used of it.
        notes: further remarks.
        picture: file that is shown below the table.
        ending: last paragraph.
    """
    rows = [HEAD, ("---", *["---:"] * (len(HEAD) - 2), "---"), *map(_cells, lines)]
    missed = reasons(lines)
    parts = [
        "# Fidelity report",
        summarise(lines),
        "\n".join(f"- {key}: {value}" for key, value in facts.items()),
        "\n".join(f"- {note}" for note in notes),
        "\n".join(f"| {' | '.join(row)} |" for row in rows),
        "What does not agree, and what the model leaves out there:" if missed else "",
        "\n".join(f"- {text}" for text in missed),
        f"![log and simulation]({picture})" if picture else "",
        ending,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def format_json(lines: Sequence[Line], facts: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """Return the report as JSON: source, notes and statistics."""
    rows = [
        {**asdict(line), "ratio": None if math.isnan(line.ratio) else line.ratio, "agrees": line.agrees}
        for line in lines
    ]
    content = {"source": facts, "notes": list(notes), "statistics": rows}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if math.isnan(line.ratio) else f"{line.ratio:.3f}"
    numbers = (f"{line.observed:.4g}", f"{line.simulated:.4g}", ratio, f"{line.tolerance:.2g}")
    return (line.name, *numbers, "yes" if line.agrees else "NO")
