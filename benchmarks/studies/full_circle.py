"""What is one full turn of the wheel worth: calibrate, train, serve with exploration, judge, refine, retrain?

The "real shop" is a visitor model whose every fitted and assumed parameter is disturbed by 20%; nobody but
the rehearsal of its visitors knows it. Half a simulated year of its click log is calibrated; a policy is
trained on that preset and serves with exploration; the decision log judges a bolder version of it and refines
the preset; the policy is trained again. Returns are clicks a visit of the real shop's visitors, served live
without exploration, with 95% intervals over training seeds and visitors together.

    python benchmarks/studies/full_circle.py               # 5 seeds
    python benchmarks/studies/full_circle.py --seeds 1 --steps 50000 --visits 100 --out look.csv

Answer: benchmarks/results/full_circle.csv.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from records import REPOSITORY, RESULTS, heading, print_rows, write_rows

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
from training import train, zoo_entry

from sb3_ecom.__main__ import main as command
from sb3_ecom.core.files import open_whole
from sb3_ecom.core.registry import spec
from sb3_ecom.core.statistics import difference, estimate_mean
from sb3_ecom.envs.recommendation.calibration.fit import simulate_log
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.live.exploration import parse_exploration
from sb3_ecom.live.judge import Candidate, judge
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.logs.decisions import read_decisions

ENV, DISTURBED = "EcomRec-v0", 0.2
SESSIONS = 12_000  # half of those of the log that the shop was fitted to
EXPLORE, BOLDER = "plackett-luce:0.5", "plackett-luce:0.35"
COLUMNS = ("stage", "clicks_a_visit", "low", "high", "less_first", "less_low", "less_high", "seeds", "visits")


def real_shop(seed: int = 0) -> SessionTask:
    """Return a task whose visitors differ from the preset's in every parameter."""
    draw = np.random.default_rng(seed)
    params = spec(ENV).make_task().params
    items = params.catalogue

    def moved(value):
        return value * np.exp(DISTURBED * draw.normal(size=np.shape(value)) - DISTURBED**2 / 2)

    catalogue = replace(
        items,
        **{
            name: moved(getattr(items, name)) for name in ("quality", "item_factors", "click_update", "start")
        },
        exit_effect=moved(items.exit_effect),
        retention=np.clip(moved(items.retention), 0.0, 1.0),
    )
    numbers = {
        field.name: float(moved(getattr(params, field.name)))
        for field in fields(SessionParams)
        if field.type in ("float", float) and field.name not in ("satisfaction_decay", "satiation_decay")
    }
    return SessionTask(replace(params, catalogue=catalogue, **numbers))


def write_click_log(world: SessionTask, path: Path, sessions: int) -> None:
    """Write the shop's own click log, under its own column names."""
    items, log = world.params.catalogue, simulate_log(world.params, sessions, seed=1)
    table = {
        "visit": log.session,
        "sku": np.array(items.item_ids)[log.item],
        "step": pd.Series(log.session).groupby(log.session).cumcount(),
        "department": items.category[log.item],
        "price": items.price[log.item],
    }
    with open_whole(path) as file:
        pd.DataFrame(table).to_csv(file, index=False)


def calibrate(log: Path, preset: Path) -> None:
    """Fit a preset to a click log as a user would."""
    columns = ["--session", "visit", "--item", "sku", "--time", "step", "--category", "department"]
    options = [*columns, "--price", "price", "--keep-item-ids", "--no-memory", "--out", str(preset)]
    if command(["calibrate", "recommendation", str(log), *options]):
        raise RuntimeError(f"{log} does not calibrate")


def train_and_export(folder: Path, preset: Path, seed: int, steps: int, out: Path) -> Path:
    """Train the zoo entry on a preset and export it."""
    changes = {"env_kwargs": {"preset": str(preset)}, "n_timesteps": float(steps)}
    model = train(folder, "ppo", ENV, zoo_entry("ppo", ENV, changes), seed)
    options = ["--env", ENV, "--preset", str(preset), "--out", str(out), "--checked", "2000", "--trust"]
    if command(["export", str(model), *options]):
        raise RuntimeError(f"{model} does not export")
    return out


def clicks(shop: Recommender, world: SessionTask, visits: int) -> np.ndarray:
    """Return the clicks of each of the real shop's visitors."""
    return rehearse(shop, world, visits, seed=2).clicks


def turn(folder: Path, seeds: int, steps: int, visits: int, served: int, sessions: int):
    """Return stage -> (seeds, visits) clicks, and what the judge said of the bolder version."""
    world, first, second = real_shop(), folder / "first.toml", folder / "second.toml"
    write_click_log(world, folder / "clicks.csv", sessions)
    calibrate(folder / "clicks.csv", first)
    returns = {}
    for rule in ("popularity", "related_items", "session_profile"):
        policy = RulePolicy(ENV, rule, preset=str(first))
        returns[rule] = clicks(Recommender(policy), world, visits)[None]
    exports = [
        train_and_export(folder, first, seed, steps, folder / f"first_{seed}") for seed in range(seeds)
    ]
    returns["trained on the calibrated preset"] = _served(exports, world, visits)
    exploring = Recommender.load(exports[0], explore=EXPLORE, log=folder / "decisions", seed=0)
    rehearse(exploring, world, served, seed=3)
    exploring.close()
    log = read_decisions(folder / "decisions")
    deployed = DeployedPolicy(exports[0])
    bolder = Candidate("bolder", deployed.act_with_scores, deployed.task, parse_exploration(BOLDER))
    judged = judge(log, bolder)
    if command(["refine", str(folder / "decisions"), "--preset", str(first), "--out", str(second)]):
        raise RuntimeError("the decision log does not refine the preset")
    again = [
        train_and_export(folder, second, seed, steps, folder / f"second_{seed}") for seed in range(seeds)
    ]
    returns["trained on the refined preset"] = _served(again, world, visits)
    return returns, judged


def _served(exports, world, visits):
    return np.stack([clicks(Recommender.load(export), world, visits) for export in exports])


def rows_of(returns):
    """Return the rows of the table: returns, and paired differences from the first training."""
    first = returns["trained on the calibrated preset"]
    rows = []
    for stage, found in returns.items():
        mean = estimate_mean(found)
        less = difference(found, first) if found is not first else None
        paired = ("", "", "") if less is None else (less.mean, less.low, less.high)
        numbers = (mean.mean, mean.low, mean.high, *paired)
        texts = (number if number == "" else f"{number:.4f}" for number in numbers)
        rows.append((stage, *texts, len(found), found.shape[1]))
    return rows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="of training (default %(default)s)")
    parser.add_argument("--steps", type=int, default=2_000_000, help="of training (default %(default)s)")
    parser.add_argument("--visits", type=int, default=2000, help="that judge a policy (default %(default)s)")
    parser.add_argument("--served", type=int, default=4000, help="visits of the log (default %(default)s)")
    parser.add_argument(
        "--sessions", type=int, default=SESSIONS, help="of the click log (default %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="to keep all files in (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=RESULTS / "full_circle.csv", help="(default %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = turn(folder, options.seeds, options.steps, options.visits, options.served, options.sessions)
    returns, judged = found
    rows = rows_of(returns)
    for name, estimate in (("logged", judged.logged), ("bolder, dr", judged.estimates["dr"])):
        numbers = (f"{value:.4f}" for value in (estimate.value, estimate.low, estimate.high))
        rows.append((f"judge: {name} (clicks a page)", *numbers, "", "", "", 1, estimate.visits))
    print_rows(COLUMNS, rows)
    first = heading(steps=options.steps, served=options.served, sessions=options.sessions)
    write_rows(options.out, COLUMNS, rows, first)


if __name__ == "__main__":
    main()
