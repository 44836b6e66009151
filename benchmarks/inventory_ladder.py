"""The ladder of EcomInventory-v0: from random orders to the bound, every policy in the same half-years.

    python benchmarks/inventory_ladder.py --seeds 3 --folder runs

Each seed of the learner is one `python -m rl_zoo3.train` with zoo_configs/ppo.yml (items as rows, turning the
knobs of the best tuned rule). Runs that lie in `--folder` are not repeated, so a broken-off ladder goes on
where it stopped. Differences to the best heuristic are paired over the half-years; the learner's standard
error is over half-years and seeds. The table goes to benchmarks/results/ladder_EcomInventory-v0.csv and, as
markdown, to standard output.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.inventory.tasks.shop import ShopTask
from sb3_ecom.envs.inventory.tasks.shop_view import LARGEST
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path

ENV_ID, BEST = "EcomInventory-v0", "forecast_pro_rata"
RESULTS = Path(__file__).resolve().parent / "results"
FIELDS = ("policy", "return", "stderr", "minus_best_rule", "minus_stderr", "gap_closed", "budget")
TUNED = "46 simulations of 192 half-years"  # benchmarks/tune_inventory.py prints them
CONSTANTS = np.linspace(0.0, 1.5, 16)  # days of mean demand ordered every day
Row = dict[str, str]


def train(seed: int, folder: str, steps: int | None) -> Path:
    """Train one seed as a user would, unless it is there; return the model."""
    path = Path(folder) / "ppo" / f"{ENV_ID}_{seed + 1}" / f"{ENV_ID}.zip"
    if path.is_file():
        return path
    command = [sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", ENV_ID]
    command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(config_path("ppo")), "--seed", str(seed)]
    command += ["-f", str(Path(folder) / f"seed{seed}"), "--eval-freq", "-1", "--num-threads", "1"]
    command += ["--verbose", "0", *([] if steps is None else ["-n", str(steps)])]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    # rl-zoo numbers its runs by what is there; ours are numbered by the seed, and moved when complete.
    done = Path(folder) / f"seed{seed}" / "ppo" / f"{ENV_ID}_1"
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    done.rename(path.parent)
    return path


def best_constant() -> Any:
    """Return the policy that orders the same every day: the best of 16 quantities, item by item."""
    task = ShopTask(action="quantity")
    actions = 2 * np.sqrt(CONSTANTS / LARGEST) - 1
    profits = []
    for action in actions:
        source = NumpyBackend(np.random.default_rng(1_224))
        state = task.initial_state(task.draw_reset(source, 192))
        total = np.zeros(task.params.demand.items)
        for _ in range(task.horizon):
            order = np.full((192, task.params.demand.items), action, np.float32)
            state, outcome = task.step(state, order, task.draw_step(source, 192))
            total += task.item_rewards(outcome).mean(axis=0)
        profits.append(total)
    chosen = actions[np.argmax(profits, axis=0)].astype(np.float32)
    return lambda observation: np.broadcast_to(chosen, (len(observation), len(chosen)))


def row(name: str, result: sb3_ecom.Result, best: sb3_ecom.Result, gap: float, budget: str) -> Row:
    """Return one policy's line of the table."""
    difference, stderr = result.minus(best) if name != BEST else (0.0, 0.0)
    return line(name, result.mean, result.stderr, difference, stderr, gap, budget)


def line(
    name: str, mean: float, stderr: float, difference: float, error: float, gap: float, budget: str
) -> Row:
    """Return the numbers as text."""
    numbers = (f"{mean:.3f}", f"{stderr:.3f}", f"{difference:.3f}", f"{error:.3f}", f"{difference / gap:.3f}")
    return dict(zip(FIELDS, (name, *numbers, budget), strict=True))


def learner_row(learners: list[sb3_ecom.Result], best: sb3_ecom.Result, gap: float, budget: str) -> Row:
    """Return the line of the mean over seeds; the spread of the seeds' means comes on top."""
    count = len(learners)
    mean = np.mean([learner.returns for learner in learners], axis=0)
    between = np.std([learner.mean for learner in learners], ddof=1) / count**0.5 if count > 1 else 0.0
    errors = [np.hypot(x.std(ddof=1) / x.size**0.5, between) for x in (mean, mean - best.returns)]
    difference = float((mean - best.returns).mean())
    name = f"PPO on item rows, {count} seed{'s' * (count > 1)}"
    return line(name, float(mean.mean()), float(errors[0]), difference, float(errors[1]), gap, budget)


def main() -> None:
    """Train the seeds, measure everybody, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=4096)
    parser.add_argument(
        "--steps", type=int, default=None, help="rows, 10 a shop-day; default: the zoo entry's"
    )
    parser.add_argument("--folder", default=None, help="keep the runs here, and use those that are there")
    options = parser.parse_args()
    entry = sb3_ecom.spec(ENV_ID)
    folder = options.folder or tempfile.mkdtemp()

    def measure(policy: Any, **kwargs: Any) -> sb3_ecom.Result:
        return sb3_ecom.evaluate(ENV_ID, policy, episodes=options.episodes, seed=0, **kwargs)

    best, informed = measure(BEST), measure("knows_rate")
    gap = informed.mean - best.mean
    learners = []
    for seed in range(options.seeds):
        learners.append(measure(load_policy(train(seed, folder, options.steps), entry.make_task(), "ppo")))
        difference, stderr = learners[-1].minus(best)
        print(
            f"seed {seed}: {learners[-1].mean:.3f}, {difference:+.3f} +- {stderr:.3f} to {BEST}", flush=True
        )
    rows = [row("random", measure("random"), best, gap, "")]
    constant = measure(best_constant(), action="quantity")
    rows.append(row("constant orders", constant, best, gap, "16 simulations of 192 half-years"))
    textbook = measure(lambda observation: np.zeros((len(observation), 20), np.float32))
    rows.append(row("textbook rule (action 0)", textbook, best, gap, ""))
    rows += [row(name, best if name == BEST else measure(name), best, gap, TUNED) for name in entry.baselines]
    if learners:
        days = "the zoo entry's shop-days" if options.steps is None else f"{options.steps // 10:,} shop-days"
        rows.append(learner_row(learners, best, gap, f"{days} a seed, on top of the rule's"))
    rows.append(row("knows_rate (privileged)", informed, best, gap, TUNED))
    oracle = entry.oracle()
    headroom, error = oracle.value - best.mean, float(np.hypot(oracle.stderr, best.stderr))
    name = "bound (clairvoyant, relaxed)"
    rows.append(line(name, oracle.value, oracle.stderr, headroom, error, gap, ""))
    rows.sort(key=lambda found: float(found["return"]))
    with open(RESULTS / f"ladder_{ENV_ID}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    print("| " + " | ".join(FIELDS) + " |\n|" + " --- |" * len(FIELDS))
    for found in rows:
        print("| " + " | ".join(found[field] for field in FIELDS) + " |")


if __name__ == "__main__":
    main()
