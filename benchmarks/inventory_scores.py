"""What PPO as zoo_configs trains it earns on the inventory ids with a computed optimum, bound or rule.

    python benchmarks/inventory_scores.py                          # every id but the shop, three seeds
    python benchmarks/inventory_scores.py EcomChain-v0 --seeds 1

Each run is one `python -m rl_zoo3.train`, evaluated in episodes that no choice of settings has seen: those
were made on episodes of seed 0, these are of seed 7. The best rule meets the same episodes, the difference
is paired. Runs are appended to benchmarks/results/inventory_scores.csv as they end, and not repeated unless
the id's configuration asks for another number of steps. The error of a mean over seeds is that over episodes
and over seeds. The means stand in the `learner` of each Spec.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml

import sb3_ecom
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path

RESULTS = Path(__file__).resolve().parent / "results" / "inventory_scores.csv"
IDS = (
    "EcomLostSales-v0",
    "EcomSetupCost-v0",
    "EcomDualSourcing-v0",
    "EcomPerishable-v0",
    "EcomSerial-v0",
    "EcomDistribution-v0",
    "EcomChain-v0",
)
EVALUATION_SEED = 7
KEYS = ("id", "entry", "seed", "episodes")
COLUMNS = (*KEYS, "return", "stderr", "rule", "minus_rule", "minus_stderr", "train_s")
Row = dict[str, Any]


def train_and_evaluate(env_id: str, conf: Path, seed: int, episodes: int) -> Row:
    """Train as a user would; return what it earns in fresh episodes, and how much more than the best rule."""
    entry = sb3_ecom.spec(env_id)
    rule = entry.best_baseline.policy if entry.best_baseline else "random"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", env_id]
        command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(conf), "--seed", str(seed)]
        command += ["-f", folder, "--eval-freq", "-1", "--num-threads", "1", "--verbose", "0"]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent = time.perf_counter() - start
        model = load_policy(Path(folder) / "ppo" / f"{env_id}_1" / f"{env_id}.zip", entry.make_task())
        learnt = sb3_ecom.evaluate(env_id, model, episodes=episodes, seed=EVALUATION_SEED)
    difference, error = learnt.minus(sb3_ecom.evaluate(env_id, rule, episodes=episodes, seed=EVALUATION_SEED))
    numbers = {"return": learnt.mean, "stderr": learnt.stderr, "minus_rule": difference}
    numbers["minus_stderr"] = error
    texts = {name: f"{value:.4f}" for name, value in numbers.items()}
    return {"rule": rule, **texts, "train_s": round(spent)}


def read_runs() -> list[dict[str, str]]:
    """Return the runs so far."""
    if not RESULTS.is_file():
        return []
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(row: Row) -> None:
    """Keep a run."""
    new = not RESULTS.is_file()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def mark(entry: Row) -> str:
    """Return a short mark of a configuration: runs of another one do not count for it."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True, default=str).encode()).hexdigest()[:8]


def summarise(runs: list[dict[str, str]]) -> str:
    """Return a line: mean over seeds, difference to the rule, % above the optimum where there is one."""
    values = [float(run["return"]) for run in runs]
    gains = [float(run["minus_rule"]) for run in runs]

    def error(over_episodes: str, found: list[float]) -> float:
        between = statistics.stdev(found) / len(found) ** 0.5 if len(found) > 1 else 0.0
        return float((statistics.fmean(float(run[over_episodes]) for run in runs) ** 2 + between**2) ** 0.5)

    mean, own = statistics.fmean(values), error("stderr", values)
    entry = sb3_ecom.spec(runs[0]["id"])
    line = f"{entry.id}: {mean:.4f} ({own:.4f}), {len(runs)} seeds; "
    line += f"{statistics.fmean(gains):+.4f} ({error('minus_stderr', gains):.4f}) to {runs[0]['rule']}"
    best = entry.best_known.value
    if entry.criterion == "average":
        line += f"; {100 * (mean / best - 1):.2f}% (95%: +-{196 * own / -best:.2f}%) above {best:.4f}"
    return line


def main() -> None:
    """Run what is missing, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", default=list(IDS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=4096)
    parser.add_argument("--conf", type=Path, default=config_path("ppo"), help="another configuration")
    options = parser.parse_args()
    entries = yaml.safe_load(options.conf.read_text(encoding="utf-8"))
    for env_id in options.ids:
        for seed in range(options.seeds):
            key = dict(
                zip(KEYS, (env_id, mark(entries[env_id]), str(seed), str(options.episodes)), strict=True)
            )
            if not any(all(run[name] == key[name] for name in KEYS) for run in read_runs()):
                row = {**key, **train_and_evaluate(env_id, options.conf, seed, options.episodes)}
                append(row)
                print(row, flush=True)
        done = [run for run in read_runs() if (run["id"], run["entry"]) == (env_id, mark(entries[env_id]))]
        print(summarise(done), flush=True)


if __name__ == "__main__":
    main()
