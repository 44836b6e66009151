"""`benchmark`: env-steps per second of an id on this machine."""

from __future__ import annotations

import argparse
import json

from rich import box
from rich.table import Table

import sb3_ecom
from sb3_ecom.cli.arguments import (
    add_env_arguments,
    find_spec,
    import_packages,
    read_env_kwargs,
)
from sb3_ecom.cli.throughput import Throughput, describe_machine, measure, native_env, single_env
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.console import make_console, working


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom benchmark EcomRec-v0 --num-envs 1 1024"
    add_env_arguments(parser)
    parser.add_argument(
        "--num-envs",
        type=int,
        nargs="+",
        default=[1, 64, 1024],
        metavar="N",
        help="copies stepped natively (default: 1 64 1024)",
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="per repeat (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="the median of these (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    import_packages(options.gym_packages)
    kwargs = read_env_kwargs(options)
    env_id = find_spec(options.env, kwargs).id
    check_at_least("--num-envs", min(options.num_envs), 1)
    candidates = [("gymnasium.Env", 1, single_env(env_id, **kwargs))]
    candidates += [("native", n, native_env(env_id, n, **kwargs)) for n in options.num_envs]
    with working(f"{options.repeats} repeats of {len(candidates)} kinds"):
        found = measure(candidates, seconds=options.seconds, repeats=options.repeats)
    machine = {"sb3_ecom": sb3_ecom.__version__, **describe_machine()}
    if options.json:
        rows = [{"name": row.name, "num_envs": row.num_envs, "runs": row.runs} for row in found]
        print(json.dumps({"env": env_id, "machine": machine, "results": rows}, indent=2))
        return
    console = make_console()
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    console.print(_format(env_id, found))


def _format(env_id: str, found: list[Throughput]) -> Table:
    table = Table(f"{env_id}", "copies", "env-steps/s (median)", "slowest", "fastest", box=box.SIMPLE)
    for row in found:
        numbers = (row.median, min(row.runs), max(row.runs))
        table.add_row(row.name, str(row.num_envs), *(f"{number:,.0f}" for number in numbers))
    return table
