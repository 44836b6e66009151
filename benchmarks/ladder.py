"""The ladder of an id: random, constants, every baseline, the zoo's learner and who knows more, paired.

    python benchmarks/ladder.py EcomRec-v0 --seeds 5 --episodes 20000 --record
    python benchmarks/ladder.py --all --seeds 5 --record --figure
    python benchmarks/ladder.py EcomRec-v0 --policies zoo LstmPolicy GruPolicy --steps 1000000
    python benchmarks/ladder.py EcomRecContext-v0 --logged 10000  # a million random pages
    python benchmarks/ladder.py EcomAds-v0 --env-kwargs preset:newcampaign --constant

Each seed of the learner is one `python -m rl_zoo3.train` with the zoo entry, stepped natively. Every policy
then meets the same episodes, which no setting was chosen on. Intervals hold seeds and episodes together
(sb3_ecom/core/statistics.py); differences are paired by episode. One job runs at a time. Models and returns
in --folder are not computed again, so a ladder that was broken off goes on where it stopped.

Writes benchmarks/results/ladder_<id>.csv (with other arguments: ladder_<id>_<arguments>.csv). --record also
rewrites the id's references/*.json, from which specs, README and docs take their figures.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml
from gates import gate_row, save_gate
from recording import MIN_SEEDS, record
from rows import COLUMNS, PRINTED, make_rows, oracle_row
from rungs import Ladder, Plan, Rung
from studies.records import RESULTS, commit, print_rows, write_rows
from suite import draw_suite

import sb3_ecom
from sb3_ecom.cli.arguments import import_packages, parse_env_kwargs
from sb3_ecom.sb3.zoo import config_path

FOLDER = Path(__file__).resolve().parent / "runs"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("env_id", metavar="ID", nargs="?")
    parser.add_argument("--all", action="store_true", help="every id that has an entry of --algo")
    parser.add_argument("--algo", default="ppo", help="a file of zoo_configs (default %(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="trainings; 0 leaves the learner out")
    parser.add_argument("--episodes", type=int, default=4096, help="that every policy meets")
    parser.add_argument("--episode-seed", type=int, default=7, help="of these episodes")
    parser.add_argument(
        "--policies", nargs="+", default=["zoo"], metavar="CLASS", help="to train; zoo is the entry's own"
    )
    parser.add_argument(
        "--rules", nargs="*", metavar="NAME", help="baselines and privileged policies; default: all"
    )
    parser.add_argument("--constant", action="store_true", help="search the best constant action")
    parser.add_argument("--search-episodes", type=int, default=128, help="of the search of constants")
    parser.add_argument(
        "--logged", type=int, default=0, metavar="VISITS", help="a round, for the rungs of supervised rankers"
    )
    parser.add_argument("--oracle", action="store_true", help="compute what the id's oracle says, too")
    parser.add_argument("--steps", type=int, help="of the training, instead of the entry's")
    parser.add_argument("--env-kwargs", nargs="+", default=[], metavar="KEY:VALUE")
    parser.add_argument(
        "--train-kwargs", nargs="+", default=[], metavar="KEY:VALUE", help="in training only, on top"
    )
    parser.add_argument(
        "--hyperparams", nargs="+", default=[], metavar="KEY:VALUE", help="instead of the entry's"
    )
    parser.add_argument("--gym-packages", nargs="+", default=[], metavar="MODULE")
    parser.add_argument("--against", metavar="POLICY", help="differences to it, not to the best baseline")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="keeps models and returns")
    parser.add_argument("--record", action="store_true", help="rewrite the references of the id")
    parser.add_argument("--gates", action="store_true", help="also the gates of constants, foresight, memory")
    parser.add_argument(
        "--figure", action="store_true", help="draw interquartile mean and profile of the ids"
    )
    return parser


def plan_of(env_id: str, options: argparse.Namespace) -> Plan:
    """Return what the ladder of an id is to hold.

    Raises:
        ValueError: if it could not be recorded as asked.
    """
    hyperparams = parse_env_kwargs(options.hyperparams)
    if options.steps is not None:
        hyperparams["n_timesteps"] = options.steps
    plan = Plan(
        env_id=env_id,
        algo=options.algo,
        seeds=options.seeds,
        episodes=options.episodes,
        episode_seed=options.episode_seed,
        policies=tuple(options.policies),
        rules=None if options.rules is None else tuple(options.rules),
        pages=options.logged,
        search_episodes=options.search_episodes if options.constant else 0,
        env_kwargs=parse_env_kwargs(options.env_kwargs),
        train_kwargs=parse_env_kwargs(options.train_kwargs),
        hyperparams=hyperparams,
        packages=tuple(options.gym_packages),
        folder=options.folder,
    )
    if options.record and plan.suffix not in ("", f"_{plan.algo}"):
        raise ValueError("--record keeps the whole ladder of the id as it is shipped: no --steps, no --rules")
    if options.record and 0 < plan.seeds < MIN_SEEDS:
        raise ValueError(f"--seeds must be >= {MIN_SEEDS} to --record a learner, got {plan.seeds}")
    return plan


def command_of(plan: Plan) -> str:
    """Return the command that computes the recorded figures again."""
    parts = ["python", "benchmarks/ladder.py", plan.env_id]
    parts += [] if plan.algo == "ppo" else ["--algo", plan.algo]
    parts += ["--seeds", str(plan.seeds), "--episodes", str(plan.episodes)]
    return shlex.join([*parts, "--episode-seed", str(plan.episode_seed)])


def climb(env_id: str, options: argparse.Namespace) -> list[Rung]:
    """Train, measure, write and print the ladder of one id; return its rungs."""
    plan = plan_of(env_id, options)
    rungs = Ladder(plan).measure()
    path = RESULTS / f"ladder_{env_id}{plan.suffix}.csv"
    if options.record:
        record(env_id, rungs, command_of(plan), path.name, plan.algo)
    rows = make_rows(plan, rungs, options.against)
    if options.oracle:
        rows.append(oracle_row(plan, rungs))
    columns = [*COLUMNS, *dict.fromkeys(name for rung in rungs for name in rung.measured.metrics)]
    typed = shlex.join(["python", "benchmarks/ladder.py", *sys.argv[1:]])
    first = f"sb3_ecom {sb3_ecom.__version__}, commit {commit()}: {typed}"
    write_rows(path, columns, rows, first)
    print_rows(PRINTED, rows)
    print(f"saved {path}", flush=True)
    if options.gates:
        save_gate(gate_row(plan, rungs))
    return rungs


def main() -> None:
    """Climb the ladders that were asked for; an id that fails does not stop the others."""
    parser = make_parser()
    options = parser.parse_args()
    if bool(options.env_id) == options.all:
        parser.error("name an ID, or --all")
    import_packages(options.gym_packages)
    entries = yaml.safe_load(config_path(options.algo).read_text(encoding="utf-8"))
    ids = sorted(set(sb3_ecom.specs()) & set(entries)) if options.all else [options.env_id]
    found, failed = {}, []
    for env_id in ids:
        try:
            found[env_id] = climb(env_id, options)
        except (ValueError, subprocess.CalledProcessError) as error:
            failed.append(env_id)
            print(f"{env_id}: {error}", file=sys.stderr, flush=True)
    if options.figure and found:
        draw_suite(found, RESULTS)
    if failed:
        sys.exit(f"without a ladder: {', '.join(failed)}")


if __name__ == "__main__":
    main()
