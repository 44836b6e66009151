"""`judge`: what another policy would have earned on the pages of a decision log."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from sb3_ecom.cli.candidates import add_candidate_arguments, find_candidate
from sb3_ecom.core.console import make_console, say_next, working
from sb3_ecom.core.tables.options import add_reading_options, reading_options
from sb3_ecom.live.judge import ASSUMPTIONS, REWARDS, Candidate, Judgement, judge
from sb3_ecom.logs.decisions import COLUMNS, NOON, Visit, read_decision_table, read_pages

_TEXTS = {
    "visit": "visit or session of the page",
    "page": "page (impression) of the item",
    "item": "item shown",
    "propensity": "chance of the item, given those above it on the page",
    "clicked": "whether it was clicked",
    "time": "time of the page, which orders the pages of a visit",
    "position": "place of the item on the page (default: the order of the rows)",
    "bought": "whether it was bought",
    "landing": "item on which the visitor landed (default: the first item clicked)",
    "hour": "local time of day in [0, 24) (default: that of the time)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom judge decisions/ --model policy/ --explore plackett-luce:0.3"
    add_log_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `judge` and `gate` share."""
    parser.add_argument(
        "log",
        metavar="LOG",
        help="folder that `serve --log` wrote, or a table with one row for each item shown",
    )
    add_candidate_arguments(parser)
    parser.add_argument(
        "--reward-of", choices=REWARDS, default="clicks", help="what counts (default %(default)s)"
    )
    parser.add_argument("--level", type=float, default=0.95, help="of the intervals (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of pages drawn for the model (default %(default)s)"
    )
    add_reading_options(parser, COLUMNS, _TEXTS)


def run(options: argparse.Namespace) -> None:
    """Judge and print."""
    candidate, found = judge_log(options)
    if options.json:
        print(json.dumps(as_json(candidate, found), indent=2))
        return
    show(candidate, found, options.reward_of, options.level)
    if options.model is not None:
        arguments = [options.log, "--model", options.model, "--explore", options.explore]
        say_next(shlex.join(["gate", *arguments]))


def judge_log(options: argparse.Namespace) -> tuple[Candidate, Judgement]:
    """Read the log and judge the candidate on it."""
    with working("judging"):
        candidate = find_candidate(options)
        visits = _read(options)
        found = judge(visits, candidate, reward=options.reward_of, level=options.level, seed=options.seed)
    return candidate, found


def show(candidate: Candidate, found: Judgement, reward: str, level: float) -> None:
    """Print the estimates as a table."""
    table = Table("", f"{reward} a page", "low", "high", "effective pages", "assumes", box=box.SIMPLE)
    rows: Sequence[tuple[str, Any, str]] = (
        ("as logged", found.logged, ""),
        *((name, estimate, ASSUMPTIONS[name]) for name, estimate in found.estimates.items()),
        ("dr less logged", found.difference, "none"),
    )
    for name, estimate, assumes in rows:
        numbers = (f"{value:.4f}" for value in (estimate.value, estimate.low, estimate.high))
        table.add_row(name, *numbers, f"{estimate.effective_pages:,.0f}", assumes)
    console = make_console()
    console.print(table)
    console.print(
        f"{candidate.name} with exploration {candidate.explore}; {found.logged.visits:,} visits; "
        f"{level:.0%} intervals, clustered by visit"
    )
    if found.unrewarded:
        console.print(f"no reward has come for {found.unrewarded:,} pages: they count as not clicked")
    for reason, count in found.left_out.items():
        console.print(f"left out: {count:,} pages ({reason})")


def as_json(candidate: Candidate, found: Judgement) -> dict[str, Any]:
    """Return a judgement as plain values."""
    return {
        "policy": candidate.name,
        "explore": str(candidate.explore),
        "logged": found.logged._asdict(),
        "estimates": {name: estimate._asdict() for name, estimate in found.estimates.items()},
        "dr_less_logged": found.difference._asdict(),
        "unrewarded": found.unrewarded,
        "left_out": dict(asdict(found)["left_out"]),
    }


def _read(options: argparse.Namespace) -> Sequence[Visit]:
    if Path(options.log).is_dir():
        return read_pages(options.log)
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    visits, table = read_decision_table(options.log, names, **reading_options(options, local=True))
    said = [table.describe(), *table.describe_unused(), *table.notes]
    if "hour" not in table.columns and ("time" not in table.columns or table.time_unit != "seconds"):
        said.append(
            f"no column tells the hour of day: {NOON:g} is taken for all visits (name it with --hour)"
        )
    if "landing" not in table.columns:
        said.append("no column tells where a visit landed: it begins with the first item clicked")
    print("\n".join(said), file=sys.stderr)
    return visits
