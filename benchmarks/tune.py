"""Which numbers make a rule earn most? One search for every parametric baseline of every id.

    python benchmarks/tune.py EcomRecCold-v0 horizon_ucb --record
    python benchmarks/tune.py --all --rounds 20 --candidates 24 --episodes 256 --record

Cross-entropy method on common random numbers (`sb3_ecom.core.tuning.tune`): the numbers found are kept if
they earn more in held-out episodes; the gain is measured in further ones, paired. --record writes them to
the id's tuned/<id>.json, from which the baseline takes them, with the budget that the tables show.
"""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from recording import find_references

import sb3_ecom
from sb3_ecom.core.parametric import Parametric, tuned_path, write_tuned
from sb3_ecom.core.tuning import parametric_rules, tune


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("env_id", metavar="ID", nargs="?")
    parser.add_argument("rules", metavar="RULE", nargs="*", help="default: every rule of the id with numbers")
    parser.add_argument("--all", action="store_true", help="every id")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--candidates", type=int, default=24, help="a round")
    parser.add_argument("--episodes", type=int, default=256, help="that each candidate meets")
    parser.add_argument("--held-out", type=int, default=2048, help="episodes of the choice and the report")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="keep the numbers found")
    return parser


def main() -> None:
    """Tune, print, and keep if asked to."""
    parser = make_parser()
    options = parser.parse_args()
    if bool(options.env_id) == options.all:
        parser.error("name an ID, or --all")
    size = {name: getattr(options, name) for name in ("rounds", "candidates", "episodes", "held_out", "seed")}
    for env_id in sorted(sb3_ecom.specs()) if options.all else [options.env_id]:
        for name in options.rules or parametric_rules(env_id):
            found = tune(env_id, name, **size)
            gain, result = found.gain, found.result
            print(
                f"{env_id} {name}: {result.mean:.5g} +- {result.stderr:.2g}, gain {gain.mean:.4g} +- "
                f"{gain.stderr:.2g} paired, {found.rule.budget}; {found.rule.present}",
                flush=True,
            )
            if options.record:
                record(env_id, name, found.rule, size)


def record(env_id: str, name: str, rule: Parametric, size: dict[str, int]) -> None:
    """Write the numbers to the id's file, with the command that finds them again."""
    spec_file: Path = find_references(env_id).parents[1] / "spec.py"
    options = [text for key, value in size.items() for text in (f"--{key.replace('_', '-')}", str(value))]
    command = shlex.join(["python", "benchmarks/tune.py", env_id, name, *options])
    write_tuned(tuned_path(str(spec_file), env_id), name, rule.present, rule.budget, command)


if __name__ == "__main__":
    main()
