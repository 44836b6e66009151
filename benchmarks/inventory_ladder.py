"""The ladder of EcomInventory-v0: from random orders to the bound, every policy in the same half-years.

    python benchmarks/inventory_ladder.py --seeds 5 --folder runs
    python benchmarks/inventory_ladder.py --shop trucks --seeds 2 --folder runs_trucks

Each seed of the learner is one `python -m rl_zoo3.train` with zoo_configs/ppo.yml (items as rows, turning the
knobs of the best tuned rule). Runs and returns that lie in `--folder` are not repeated, so a broken-off
ladder goes on where it stopped. Differences to the best rule are paired over the half-years; the learner's
standard error is over half-years and seeds. `--shop trucks` is the shop with options: announced promotions of
uncertain uplift, orders on two weekdays that share trucks, customers who take the neighbouring item; every
rule is tuned for it anew (some minutes). The table goes to benchmarks/results/ladder_EcomInventory-v0.csv
(_trucks) and, as markdown, to standard output.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.tracker import MAX_ORDER_DAYS
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path

ENV_ID = "EcomInventory-v0"
#: shop -> keyword arguments
SHOPS: dict[str, dict[str, Any]] = {
    "default": {},
    "trucks": {
        "promotions_a_year": 6.0,
        "dispatch_days": (0, 3),
        "truck_cost": 0.6,
        "truck_days": 4.0,
        "substitution": 0.4,
    },
}
RESULTS = Path(__file__).resolve().parent / "results"
FIELDS = ("policy", "return", "stderr", "minus_best_rule", "minus_stderr", "gap_closed", "budget")
TUNED = "46 simulations of 192 half-years"  # benchmarks/tune_inventory.py prints them
CONSTANTS = np.linspace(0.0, 1.5, 16)  # days of mean demand ordered every day
Row = dict[str, str]
Returns = NDArray[np.float64]  # (episodes,)


def train(seed: int, folder: str, steps: int | None, conf: Path) -> Path:
    """Train one seed as a user would, unless it is there; return the model."""
    path = Path(folder) / "ppo" / f"{ENV_ID}_{seed + 1}" / f"{ENV_ID}.zip"
    if path.is_file():
        return path
    shutil.rmtree(Path(folder) / f"seed{seed}", ignore_errors=True)  # a broken-off run would take number 1
    command = [sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", ENV_ID]
    command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(conf), "--seed", str(seed)]
    command += ["-f", str(Path(folder) / f"seed{seed}"), "--eval-freq", "-1", "--num-threads", "1"]
    command += ["--verbose", "0", *([] if steps is None else ["-n", str(steps)])]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    # rl-zoo numbers its runs by what is there; ours are numbered by the seed, and moved when complete.
    done = Path(folder) / f"seed{seed}" / "ppo" / f"{ENV_ID}_1"
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    done.rename(path.parent)
    return path


def configuration(folder: str, shop: str, rule: str) -> Path:
    """Return the zoo's configuration; of another shop, with its arguments and its own best rule to shift."""
    if shop == "default":
        return config_path("ppo")
    entry = yaml.safe_load(config_path("ppo").read_text(encoding="utf-8"))[ENV_ID]
    entry["env_kwargs"] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in SHOPS[shop].items()
    }
    for wrapper in entry["vec_env_wrapper"]:
        next(iter(wrapper.values()))["rule"] = rule
    path = Path(folder) / f"ppo_{shop}.yml"
    path.write_text(yaml.safe_dump({ENV_ID: entry}), encoding="utf-8")
    return path


def best_constant(kwargs: dict[str, Any]) -> Any:
    """Return the policy that orders the same every day: the best of 16 quantities, item by item."""
    task = ShopTask(action="quantity", **kwargs)
    actions = 2 * np.sqrt(CONSTANTS / MAX_ORDER_DAYS) - 1
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


def line(name: str, value: tuple[float, float], minus: tuple[float, float], gap: float, budget: str) -> Row:
    """Return a line from (mean, standard error) of a return and of its difference to the best rule."""
    numbers = [f"{number:.3f}" for number in (*value, *minus, minus[0] / gap)]
    return dict(zip(FIELDS, (name, *numbers, budget), strict=True))


def mean_and_error(returns: Returns, between: float = 0.0) -> tuple[float, float]:
    """Return mean and standard error over episodes; `between` is the error that the seeds add."""
    return float(returns.mean()), float(np.hypot(returns.std(ddof=1) / returns.size**0.5, between))


def measure(name: str, make: Callable[[], Any], options: argparse.Namespace, **kwargs: Any) -> Returns:
    """Return the episodes' returns of a policy, from the folder where they lie there."""
    path = Path(options.folder) / "returns" / f"{name}_{options.episodes}.npy"
    if path.is_file():
        return np.asarray(np.load(path), dtype=np.float64)
    result = sb3_ecom.evaluate(
        ENV_ID, make(), episodes=options.episodes, seed=0, **SHOPS[options.shop], **kwargs
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, result.returns)
    print(f"{name}: {result.mean:.3f} +- {result.stderr:.3f}", flush=True)
    return np.asarray(result.returns)


def main() -> None:
    """Train the seeds, measure everybody, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shop", default="default", choices=SHOPS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=2048)
    parser.add_argument(
        "--steps", type=int, default=None, help="rows, 10 a shop-day; default: the zoo entry's"
    )
    parser.add_argument(
        "--folder", default=None, help="keep runs and returns here, and use those that are there"
    )
    options = parser.parse_args()
    options.folder = options.folder or tempfile.mkdtemp()
    shop = SHOPS[options.shop]
    entry, task = sb3_ecom.spec(ENV_ID), ShopTask(**shop)
    names = ["random", *entry.baselines, "known_rate"]
    returns = {name: measure(name, lambda name=name: name, options) for name in names}  # type: ignore[misc]
    returns["textbook (action 0)"] = measure("textbook", lambda: textbook, options)
    returns["constant orders"] = measure("constant", lambda: best_constant(shop), options, action="quantity")
    rule = max(entry.baselines, key=lambda name: float(returns[name].mean()))
    best = returns[rule]
    gap = float((returns["known_rate"] - best).mean())
    refined = "382 simulations of 192 half-years"
    budgets = {
        "forecast_refined": refined,
        "known_rate": refined,
        "random": "",
        "textbook (action 0)": "",
        "constant orders": f"{len(CONSTANTS)} simulations",
    }
    rows = [
        line(name, mean_and_error(found), mean_and_error(found - best), gap, budgets.get(name, TUNED))
        for name, found in returns.items()
    ]
    if options.seeds:
        rows.append(learner_line(options, task, best, gap, rule))
    oracle = entry.oracle(**shop)
    headroom = (oracle.value - float(best.mean()), float(np.hypot(oracle.stderr, mean_and_error(best)[1])))
    rows.append(line("bound (clairvoyant, relaxed)", (oracle.value, oracle.stderr), headroom, gap, ""))
    rows.sort(key=lambda found: float(found["return"]))
    suffix = "" if options.shop == "default" else f"_{options.shop}"
    with open(RESULTS / f"ladder_{ENV_ID}{suffix}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    print("| " + " | ".join(FIELDS) + " |\n|" + " --- |" * len(FIELDS))
    for found in rows:
        print("| " + " | ".join(found[field] for field in FIELDS) + " |")


def learner_line(options: argparse.Namespace, task: ShopTask, best: Returns, gap: float, rule: str) -> Row:
    """Return the line of the mean over seeds, whose spread comes on top of the episodes'."""
    found, conf = [], configuration(options.folder, options.shop, rule)
    for seed in range(options.seeds):
        path = train(seed, options.folder, options.steps, conf)
        found.append(measure(f"ppo{seed}", lambda path=path: load_policy(path, task, "ppo"), options))  # type: ignore[misc]
        difference, error = mean_and_error(found[-1] - best)
        print(f"seed {seed}: {difference:+.3f} +- {error:.3f} to the best rule", flush=True)
    mean, count = np.mean(found, axis=0), len(found)
    between = float(np.std(np.mean(found, axis=1), ddof=1) / count**0.5) if count > 1 else 0.0
    entry = yaml.safe_load(config_path("ppo").read_text(encoding="utf-8"))[ENV_ID]
    days = int(options.steps or entry["n_timesteps"]) // task.params.demand.items
    name = f"PPO on item rows, {count} seed{'s' * (count > 1)}"
    differences = mean_and_error(mean - best, between)
    return line(name, mean_and_error(mean, between), differences, gap, f"{days:,} shop-days a seed")


def textbook(observation: Any) -> Any:
    """Return the action that leaves the textbook's reorder points and lots as they are."""
    return np.zeros((len(observation), 20), np.float32)


if __name__ == "__main__":
    main()
