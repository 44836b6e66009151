"""What the zoo's own learner earns on every recommendation id that has a configuration.

    python benchmarks/family_scores.py                              # every id, one seed
    python benchmarks/family_scores.py EcomRecCold-v0 --seeds 3

Each run is one `python -m rl_zoo3.train` with zoo_configs/<algo>.yml, stepped natively, and is then evaluated
on the same customers as every baseline. Runs are appended to benchmarks/results/family_scores.csv as they
end, and not repeated unless the id's configuration asks for another number of steps. The standard error of
a run is that over customers; the printed mean over seeds adds the spread of the seeds. The figures stand in
the `learner` of each Spec, and from there in the README.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml

import sb3_ecom
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path

RESULTS = Path(__file__).resolve().parent / "results" / "family_scores.csv"
ALGORITHMS = ("ppo", "dqn", "qrdqn")
KEYS = ("id", "algo", "steps", "seed")
COLUMNS = (*KEYS, "episodes", "return", "stderr", "score", "cpu_s")


def configured(ids: list[str], algorithms: list[str]) -> list[tuple[str, str, int]]:
    """Return (id, algorithm, steps) of the entries there are."""
    found = []
    for algo in algorithms:
        for env_id, entry in yaml.safe_load(config_path(algo).read_text()).items():
            if env_id in ids or (not ids and env_id.startswith("EcomRec")):
                found.append((env_id, algo, int(entry["n_timesteps"])))
    return sorted(found)


def train_and_evaluate(env_id: str, algo: str, seed: int, episodes: int) -> dict[str, Any]:
    """Train as a user would, evaluate on the common customers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rl_zoo3.train", "--algo", algo, "--env", env_id]
        command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(config_path(algo)), "--seed", str(seed)]
        command += ["-f", folder, "--eval-freq", "-1", "--num-threads", "1", "--verbose", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        path = Path(folder) / algo / f"{env_id}_1" / f"{env_id}.zip"
        model = load_policy(path, sb3_ecom.spec(env_id).make_task())
        result = sb3_ecom.evaluate(env_id, model, episodes=episodes, seed=0)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "episodes": episodes,
        "return": f"{result.mean:.4f}",
        "stderr": f"{result.stderr:.4f}",
        "score": f"{result.score:.4f}",
        "cpu_s": round(spent),
    }


def read_runs() -> list[dict[str, str]]:
    """Return the runs so far."""
    if not RESULTS.is_file():
        return []
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(row: dict[str, Any]) -> None:
    """Keep a run."""
    new = not RESULTS.is_file()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def summarise(runs: list[dict[str, str]]) -> list[tuple[Any, ...]]:
    """Return one row per id, algorithm and number of steps: the mean over the seeds."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in runs:
        groups.setdefault((row["id"], row["algo"], row["steps"]), []).append(row)
    table = []
    for key, rows in sorted(groups.items()):
        returns = [float(row["return"]) for row in rows]
        between = statistics.stdev(returns) / len(returns) ** 0.5 if len(returns) > 1 else 0.0
        # Seeds meet the same customers: their errors over customers do not average out.
        stderr = (statistics.fmean(float(row["stderr"]) for row in rows) ** 2 + between**2) ** 0.5
        score = statistics.fmean(float(row["score"]) for row in rows)
        table.append((*key, len(rows), f"{statistics.fmean(returns):.4g}", f"{stderr:.2g}", f"{score:.3f}"))
    return table


def main() -> None:
    """Run what is missing, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", help="default: every recommendation id with a configuration")
    parser.add_argument("--algos", nargs="+", default=list(ALGORITHMS), choices=ALGORITHMS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=4096)
    options = parser.parse_args()
    for seed in range(options.seeds):
        for env_id, algo, steps in configured(options.ids, options.algos):
            key = dict(zip(KEYS, (env_id, algo, str(steps), str(seed)), strict=True))
            if any(all(row[name] == key[name] for name in KEYS) for row in read_runs()):
                continue
            row = {**key, **train_and_evaluate(env_id, algo, seed, options.episodes)}
            print(row, flush=True)
            append(row)
    for cells in (("id", "algo", "steps", "seeds", "return", "s.e.", "score"), *summarise(read_runs())):
        print("  ".join(f"{cell!s:<20}" for cell in cells))


if __name__ == "__main__":
    main()
