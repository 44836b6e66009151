"""What memory is worth: the same PPO with policies that read the history, or only its newest step.

Every policy trains for the same number of steps with the id's settings in zoo_configs/ppo.yml, and is then
evaluated on the same customers. The table gives, per policy, mean return and score over the seeds with their
standard errors, env-steps per processor second of training, and the difference to the memoryless policy
(context and newest step: all that a policy without memory can see) with its standard error over the seeds.

    python benchmarks/sequence_policies.py EcomRec-v0 --steps 3000000 --seeds 5
    python benchmarks/sequence_policies.py EcomAds-v0 --steps 500000 --policies last-click lstm

Every run is appended to benchmarks/results/sequence_policies_runs.csv when it ends, and not repeated; the
table of all runs there goes to benchmarks/results/sequence_policies.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import yaml
from gymnasium import spaces
from rl_zoo3.utils import get_callback_list, get_wrapper_class, linear_schedule
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

import sb3_ecom.sb3
from sb3_ecom.sb3 import BatchedTimeoutBootstrap, make_vec_env
from sb3_ecom.sb3.zoo import config_path

RESULTS = Path(__file__).resolve().parent / "results"
RUNS, TABLE = RESULTS / "sequence_policies_runs.csv", RESULTS / "sequence_policies.csv"
POLICIES = {
    "flatten": "",
    "last-click": "LastClick",
    "known-item": "KnownItem",
    "attention": "Attention",
    "gru": "Gru",
    "lstm": "Lstm",
    "transformer": "Transformer",
}
KEYS = ("env", "policy", "steps", "seed")
COLUMNS = (*KEYS, "return", "score", "steps_per_s")
NOT_OF_PPO = ("n_envs", "n_timesteps", "policy", "normalize", "callback", "policy_kwargs", "vec_env_wrapper")


def policy_class(env_id: str, name: str) -> Any:
    """Return the class of a policy for an id; those that choose a slate have their own."""
    if isinstance(sb3_ecom.spec(env_id).make_task().action_space, spaces.MultiDiscrete):
        return getattr(sb3_ecom.sb3, f"{POLICIES[name]}SlatePolicy")
    return getattr(sb3_ecom.sb3, f"{POLICIES[name]}Policy") if POLICIES[name] else "MlpPolicy"


def settings(env_id: str) -> dict[str, Any]:
    """Return the id's settings in zoo_configs/ppo.yml."""
    found: dict[str, Any] = yaml.safe_load(config_path("ppo").read_text())[env_id]
    for key in ("learning_rate", "clip_range"):
        if isinstance(found.get(key), str):
            found[key] = linear_schedule(float(found[key].removeprefix("lin_")))
    # As rl-zoo does: its yml holds Python.
    found["policy_kwargs"] = eval(found.get("policy_kwargs", "{}"), {"nn": nn, "dict": dict})
    found["normalize"] = eval(found.get("normalize", "{}"), {"dict": dict}) or {}
    return found


def run(env_id: str, name: str, steps: int, seed: int, episodes: int) -> dict[str, Any]:
    """Train one policy and evaluate it."""
    known = settings(env_id)
    venv: Any = make_vec_env(env_id, int(known["n_envs"]), seed=seed, stagger=True)
    wrap = get_wrapper_class(known, "vec_env_wrapper")
    if wrap is not None:
        venv = wrap(venv)
    if known["normalize"]:
        venv = VecNormalize(venv, gamma=known.get("gamma", 0.99), **known["normalize"])
    if getattr(venv, "norm_obs", False):
        raise ValueError(f"normalize of {env_id} must leave observations alone: a history holds its mask")
    chosen = {key: value for key, value in known.items() if key not in NOT_OF_PPO}
    policy = policy_class(env_id, name)
    model = PPO(policy, venv, seed=seed, device="cpu", policy_kwargs=known["policy_kwargs"], **chosen)
    callbacks = [*get_callback_list({}), BatchedTimeoutBootstrap()]
    start = time.process_time()
    model.learn(steps, callbacks, log_interval=None)
    spent = time.process_time() - start
    result = sb3_ecom.evaluate(env_id, model, episodes=episodes, seed=0)
    numbers = (f"{result.mean:.4f}", f"{result.score:.4f}", round(model.num_timesteps / spent))
    return dict(zip(COLUMNS, (env_id, name, steps, seed, *numbers), strict=True))


def read_runs() -> list[dict[str, str]]:
    """Return the runs so far."""
    if not RUNS.is_file():
        return []
    with RUNS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(row: dict[str, Any]) -> None:
    """Keep a run."""
    new = not RUNS.is_file()
    with RUNS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Return the mean and its standard error (NaN of a single value)."""
    if len(values) < 2:
        return statistics.fmean(values), float("nan")
    return statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5


def summarise(runs: list[dict[str, str]]) -> list[tuple[Any, ...]]:
    """Return the table: one row per id, number of steps and policy."""
    groups: dict[tuple[str, str], dict[str, list[dict[str, str]]]] = {}
    for row in runs:
        groups.setdefault((row["env"], row["steps"]), {}).setdefault(row["policy"], []).append(row)
    table = []
    for (env_id, steps), by_policy in groups.items():
        memoryless = {row["seed"]: float(row["return"]) for row in by_policy.get("last-click", [])}
        for name in sorted(by_policy, key=list(POLICIES).index):
            rows = by_policy[name]
            numbers = [
                f"{part:.4g}"
                for key in ("return", "score")
                for part in mean_and_error([float(row[key]) for row in rows])
            ]
            speed = round(statistics.median(float(row["steps_per_s"]) for row in rows))
            pairs = [
                float(row["return"]) - memoryless[row["seed"]] for row in rows if row["seed"] in memoryless
            ]
            gain = [f"{part:.3g}" for part in mean_and_error(pairs)] if pairs else ["", ""]
            table.append((env_id, steps, name, len(rows), *numbers, *gain, speed))
    return table


def main() -> None:
    """Run what is missing, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("env", nargs="?", help="without: only the table is made again")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=4096)
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    done = {tuple(row[key] for key in KEYS) for row in read_runs()}
    for seed in range(options.seeds if options.env else 0):
        for name in options.policies:
            if (options.env, name, str(options.steps), str(seed)) not in done:
                row = run(options.env, name, options.steps, seed, options.episodes)
                print(row, flush=True)
                append(row)
    columns = ("env", "steps", "policy", "seeds", "return", "s.e.", "score", "s.e.")
    columns = (*columns, "gain over last-click", "s.e.", "steps_per_s")
    table = summarise(read_runs())
    for cells in (columns, *table):
        print("  ".join(f"{cell!s:<12}" for cell in cells))
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *table])


if __name__ == "__main__":
    main()
