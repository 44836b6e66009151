"""`envs`: the registered ids, as a table for the terminal or for the README."""

from __future__ import annotations

import argparse

from gymnasium import spaces
from rich import box
from rich.table import Table

from sb3_ecom.cli.arguments import import_packages
from sb3_ecom.core.console import make_console
from sb3_ecom.core.references import Reference
from sb3_ecom.core.registry import Spec, specs

_HEADINGS = (
    *("id", "one episode", "action", "random", "best baseline", "zoo's learner", "score"),
    *("best known", "which is"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom envs --markdown"
    parser.add_argument("--markdown", action="store_true", help="print a GitHub table (default: a plain one)")
    parser.add_argument(
        "--gym-packages",
        nargs="+",
        default=[],
        metavar="MODULE",
        help="modules to import first (default: none)",
    )


def run(options: argparse.Namespace) -> None:
    """Print the table."""
    import_packages(options.gym_packages)
    rows = [describe(entry) for _, entry in sorted(specs().items())]
    if options.markdown:
        print(format_markdown(rows))
        return
    table = Table(*_HEADINGS, box=box.SIMPLE)
    for row in rows:
        table.add_row(*row)
    make_console().print(table)


def describe(entry: Spec) -> tuple[str, ...]:
    """Return the table's cells of one id."""
    learnt = entry.learner
    return (
        entry.id,
        entry.summary,
        describe_action(entry.make_task().action_space),
        _reference(entry.random),
        _named(entry.best_baseline),
        _learner(learnt),
        "" if learnt is None else f"{entry.score(learnt.value):.2f}",
        _reference(entry.best_known),
        entry.best_known_kind,
    )


def describe_action(space: spaces.Space[object]) -> str:
    """Return a short name of an action space."""
    if isinstance(space, spaces.Discrete):
        return f"Discrete({space.n})"
    if isinstance(space, spaces.MultiDiscrete):
        sizes = sorted(set(space.nvec.tolist()))
        return f"MultiDiscrete([{'/'.join(map(str, sizes))}] * {len(space.nvec)})"
    return f"Box(-1, 1, {space.shape})"


def format_markdown(rows: list[tuple[str, ...]]) -> str:
    """Return a GitHub table."""
    lines = [_HEADINGS, ("---",) * len(_HEADINGS)]
    lines += [(f"`{row[0]}`", *(cell.replace("|", "\\|") for cell in row[1:])) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _named(reference: Reference | None) -> str:
    return "" if reference is None else f"{reference.policy} {_reference(reference)}"


def _learner(reference: Reference | None) -> str:
    """Return the cell of a learner: its return, and its paired difference to the best baseline."""
    notes = []
    if reference is not None and reference.seeds:
        notes.append(f"{reference.seeds} seed{'s' * (reference.seeds > 1)}")
    if reference is not None and reference.minus_baseline is not None:
        more, stderr = reference.minus_baseline
        notes.append(f"{more:+.2g} ± {stderr:.2g} paired")
    return _named(reference) + (f" ({'; '.join(notes)})" if notes else "")


def _reference(reference: Reference) -> str:
    return f"{reference.value:.4g}" + (f" ± {reference.stderr:.2g}" if reference.stderr else "")
