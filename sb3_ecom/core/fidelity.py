"""Fidelity of a fitted simulator: each statistic of a log beside the same statistic of a simulated log.

A line agrees, differs, or says that the data are not enough to tell. It differs where the difference exceeds
both the tolerance and two standard errors of the difference. It agrees only where it could have differed:
where one standard error is at most the tolerance, so that a difference of twice the tolerance would show.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from rich import box
from rich.table import Table

Verdict = Literal["agrees", "differs", "not enough data"]
WORST = 2.0  # factor between the log's mean and the simulated one from which a fit is refused
TOLERANCE = 0.1  # of the log's value, unless a statistic has its own

_HEADER = ("statistic", "log", "simulated", "tolerance", "s.e.", "verdict")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One statistic of a log and of a simulation, and what their difference says."""

    name: str
    observed: float  # NaN where the log has none
    simulated: float  # the same
    tolerance: float  # largest difference that counts as agreement, in the statistic's unit
    standard_error: float  # of the difference; NaN where it is not known
    verdict: Verdict
    reason: str = ""  # of a verdict other than "agrees"

    @property
    def agrees(self) -> bool:
        """True if the data could have shown a difference, and did not."""
        return self.verdict == "agrees"


def compare(
    observed: Mapping[str, float],
    simulated: Mapping[str, float],
    errors: Mapping[str, float] | None = None,
    tolerances: Mapping[str, float] | None = None,
    shortages: Mapping[str, str] | None = None,
    explain: Callable[[str], str] | None = None,
) -> list[Line]:
    """Compare statistic by statistic.

    Args:
        observed: statistic -> value in the log.
        simulated: the same of a simulation; both must be computed in the same way.
        errors: statistic -> standard error of the difference; absent: not known, taken as 0.
        tolerances: statistic -> largest difference; absent: `TOLERANCE` times the log's value.
        shortages: statistic -> why the data can not decide it.
        explain: from a statistic to what the model leaves out there, for lines that differ.

    Raises:
        ValueError: if the two do not hold the same statistics.
    """
    if set(observed) != set(simulated):
        apart = sorted(set(observed) ^ set(simulated))
        raise ValueError(f"both need the same statistics, these differ: {apart}")
    limits, spread, short = tolerances or {}, errors or {}, shortages or {}
    lines = []
    for name, value in observed.items():
        pair = float(value), float(simulated[name])
        limit = float(limits.get(name, TOLERANCE * abs(pair[0])))
        error = float(spread.get(name, math.nan))
        verdict, reason = judge(*pair, limit, error)
        if name in short:
            verdict, reason = "not enough data", short[name]
        if verdict == "differs" and explain is not None:
            reason = f"{reason}; {explain(name)}"
        lines.append(
            Line(
                name=name,
                observed=pair[0],
                simulated=pair[1],
                tolerance=limit,
                standard_error=error,
                verdict=verdict,
                reason=reason,
            )
        )
    return lines


def check_means(lines: Iterable[Line], names: Collection[str], advice: str) -> None:
    """Refuse a fit whose simulation is off by more than a factor of `WORST` in a mean.

    Args:
        lines: of the report.
        names: of the statistics that are means, > 0 in the log.
        advice: what the user can do.

    Raises:
        ValueError: naming the first such statistic, in one line.
    """
    for line in lines:
        if line.name in names and not line.observed / WORST <= line.simulated <= line.observed * WORST:
            raise ValueError(
                f"nothing was written: {line.name} is {line.observed:.4g} in the log, "
                f"but {line.simulated:.4g} where the fit is simulated, apart by more than a factor of "
                f"{WORST:g}: the log does not tell the parameters; {advice}"
            )


def judge(observed: float, simulated: float, tolerance: float, error: float) -> tuple[Verdict, str]:
    """Return the verdict on a difference, and its reason.

    Args:
        observed: value in the log.
        simulated: value in the simulation.
        tolerance: largest difference that counts as agreement.
        error: standard error of the difference; NaN: not known, taken as 0.
    """
    if not (math.isfinite(observed) and math.isfinite(simulated)):
        return "not enough data", "the statistic does not exist in both logs"
    noise = 0.0 if math.isnan(error) else error
    gap = abs(simulated - observed)
    if gap > tolerance and gap > 2 * noise:
        side = "above" if simulated > observed else "below"
        size = f"{gap / abs(observed):.1%}" if observed else f"{gap:.3g}"
        return "differs", f"the simulation is {size} {side} the log" + (
            f", {gap / noise:.1f} standard errors" if noise else ""
        )
    if tolerance == 0:
        return "not enough data", f"both are {observed:.3g}: there is no tolerance to compare them with"
    if noise > tolerance:
        return "not enough data", (
            f"the standard error {noise:.2g} exceeds the tolerance {tolerance:.2g}: a longer log is needed"
        )
    return "agrees", ""


def replicate_errors(replicates: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the standard deviation of each statistic over replicates of a log."""
    return {
        name: float(np.std([each[name] for each in replicates], ddof=1)) if len(replicates) > 1 else math.nan
        for name in replicates[0]
    }


def summarise(lines: Sequence[Line]) -> str:
    """Return one sentence: how many statistics agree, which differ, which the data can not decide."""
    text = f"{sum(line.agrees for line in lines)} of {len(lines)} statistics agree with the log"
    for verdict in ("differs", "not enough data"):
        names = [line.name for line in lines if line.verdict == verdict]
        if names:
            text += f"; {verdict}: {', '.join(names)}"
    return f"{text}."


def format_table(lines: Sequence[Line]) -> Table:
    """Return the report as a table for the terminal."""
    table = Table(box=box.SIMPLE, padding=0)
    for name in _HEADER:
        table.add_column(name, no_wrap=name in ("statistic", "verdict"))
    for line in lines:
        table.add_row(*_cells(line))
    return table


def format_reasons(lines: Sequence[Line]) -> list[str]:
    """Return one sentence for each line that does not agree."""
    return [f"{line.name}: {line.verdict}; {line.reason}." for line in lines if not line.agrees]


def format_markdown(
    lines: Sequence[Line], source: Mapping[str, Any], notes: Sequence[str] = (), closing: str = ""
) -> str:
    """Return the report as a markdown page.

    Args:
        lines: of the report.
        source: what the log is; values that are mappings are listed one level down.
        notes: what the user should know.
        closing: text or picture at the end.
    """
    facts = [f"- {key}: {value}" for key, value in source.items() if not isinstance(value, Mapping)]
    for key, value in source.items():
        if isinstance(value, Mapping):
            facts += [f"- {key}, {name}: {each}" for name, each in value.items()]
    rows = [_HEADER, ("---", "---:", "---:", "---:", "---:", "---"), *(_cells(line) for line in lines)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    reasons = format_reasons(lines)
    parts = [
        "# Fidelity report",
        summarise(lines),
        "\n".join(facts),
        "\n".join(f"- {note}" for note in notes),
        table,
        "What does not agree, and why:" if reasons else "",
        "\n".join(f"- {reason}" for reason in reasons),
        closing,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def format_json(lines: Sequence[Line], source: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """Return the report as JSON; what is not finite becomes null."""
    rows = [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(line).items()
        }
        for line in lines
    ]
    return json.dumps(
        {"source": source, "notes": list(notes), "statistics": rows}, indent=2, ensure_ascii=False
    )


def _cells(line: Line) -> tuple[str, ...]:
    numbers = (line.observed, line.simulated, line.tolerance, line.standard_error)
    shown = ("" if math.isnan(value) else f"{value:.4g}" for value in numbers)
    return (line.name, *shown, line.verdict)
