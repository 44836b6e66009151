"""Whether memory wins where a campaign is new: EcomAds-v0, preset "newcampaign".

    python benchmarks/new_campaign.py --seeds 3 --folder runs

At which hours the campaign's audience buys is hidden and new every day, and conversions arrive late. The same
PPO shifts what the model-predictive bidder without conversion feedback bids: once with the last tick and the
context before it (last-click), once with the 12 ticks of the observation as a flat vector, once with an LSTM
over them. It earns expected conversions (reward term `expected`) less those of a twin who bids by the rule
alone. Rules are tuned by random search on 256 days of their own (`--tune` searches on). Everybody then
meets the same days; differences are paired over them, and their standard error adds the spread of the seeds.
Models and returns in `--folder` are not computed again. The table goes to
benchmarks/results/new_campaign.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from ads_ladder import RESULTS, SEARCH_DAYS, Floats, error_of, play
from rl_zoo3.utils import linear_schedule
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

from sb3_ecom.envs.advertising.pacing.baselines import ModelPredictive
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.rules import MarginalReturn
from sb3_ecom.envs.advertising.pacing.smoothing import Smoothed
from sb3_ecom.sb3 import LstmPolicy, TerminalHorizon, VecResidual, make_vec_env
from sb3_ecom.sb3.policies.residual import ResidualPolicy
from sb3_ecom.sb3.policies.sequence import LastClickPolicy

ENV_ID, PRESET, RULE = "EcomAds-v0", "newcampaign", "model_predictive"
POLICIES: dict[str, Any] = {"last-click": LastClickPolicy, "flatten": "MlpPolicy", "lstm": LstmPolicy}
SETTINGS: dict[str, Any] = {
    **{"n_steps": 48, "batch_size": 3072, "n_epochs": 3, "gamma": 1.0, "gae_lambda": 1.0, "device": "cpu"},
    "policy_kwargs": {"log_std_init": -1.5, "net_arch": [64, 64], "activation_fn": nn.Tanh},
}
Knobs = dict[str, float]


def smoothed(task: PacingTask, **knobs: float) -> Any:
    """Return the planner that smooths late conversions."""
    return Smoothed(task, **knobs)


def marginal(task: PacingTask, **knobs: float) -> Any:
    """Return the greedy bidder by marginal return."""
    return MarginalReturn(task, **knobs)


def believing(task: PacingTask, **knobs: float) -> Any:
    """Return the planner with a Bayes filter over regimes, who takes the market to have these parameters."""
    other = PacingTask(PRESET)
    other.params = replace(task.params, **{**knobs, "switch": min(knobs["switch"], 0.5)})
    return ModelPredictive(other, dayparting=False, feedback=True)


#: Rule -> (make, best knobs found, step of the search: absolute within [0, .99], or of the logarithm if < 0).
TUNED: dict[str, tuple[Callable[..., Any], Knobs, Knobs]] = {
    "model_predictive_smoothed, tuned": (
        smoothed,
        {"decay": 0.011, "prior": 20.0, "gain": 1.57, "persistence": 0.59},
        {"decay": 0.1, "prior": -0.6, "gain": -0.4, "persistence": 0.15},
    ),
    "marginal_return, tuned": (
        marginal,
        {"tension": 3.7, "decay": 0.0, "prior": 98.0},
        {"tension": -0.4, "decay": 0.1, "prior": -0.7},
    ),
    "model_predictive_feedback, tuned": (
        believing,
        {"quality_regime": 0.45, "switch": 0.15, "delay": 2.5},
        {"quality_regime": -0.3, "switch": -0.5, "delay": -0.3},
    ),
}
PLAIN = (
    "random",
    "constant",
    "pid",
    "dual_pacing",
    "online_lp",
    RULE,
    "model_predictive_feedback",
    "oracle_policy",
)


def search(name: str, tries: int, days: int) -> None:
    """Walk from the known knobs at random, keeping what is better; print every improvement."""
    make, knobs, steps = TUNED[name]
    task, draw, best = PacingTask(PRESET), np.random.default_rng(1), -np.inf
    for number in range(tries):
        tried = dict(knobs)
        for key, step in steps.items() if number else ():
            change = step * draw.standard_normal()
            tried[key] = (
                tried[key] * np.exp(change) if step < 0 else float(np.clip(tried[key] + change, 0, 0.99))
            )
        value = float(play(ENV_ID, make(task, **tried), days, SEARCH_DAYS, preset=PRESET).mean())
        if value > best:
            best, knobs = value, tried
            print(f"{name} {number}: {value:.1f}", {key: round(x, 3) for key, x in knobs.items()}, flush=True)


def train(name: str, seed: int, steps: int, folder: Path) -> Any:
    """Return the model of this policy and seed; train it unless it is there."""
    path = folder / f"{name}_{seed}_{steps}.zip"
    if path.is_file():
        return PPO.load(path, device="cpu")
    venv: Any = make_vec_env(ENV_ID, 256, seed=seed, preset=PRESET, reward_weights={"expected": 1.0})
    venv = VecNormalize(VecResidual(venv, rule=RULE, reach=2.0), norm_obs=False, gamma=1.0)
    model = PPO(POLICIES[name], venv, seed=seed, learning_rate=linear_schedule(2e-3), **SETTINGS)
    start = time.process_time()
    model.learn(steps, TerminalHorizon(), log_interval=None)
    print(f"{name} {seed}: trained in {time.process_time() - start:.0f} s of processor time", flush=True)
    model.save(path)
    return model


def returns_of(name: str, policy: Any, options: argparse.Namespace) -> Floats:
    """Return the returns of a policy on the days; they are kept in the folder."""
    path = options.folder / f"{name}_{options.days}.npy"
    if not path.is_file():
        found = play(ENV_ID, policy() if callable(policy) else policy, options.days, preset=PRESET)
        np.save(path, found)
        print(f"{name}: {found.mean():.2f} +- {error_of(found):.2f}", flush=True)
    return np.asarray(np.load(path), dtype=np.float64)


def main() -> None:
    """Train, measure everybody, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600_000)
    parser.add_argument("--days", type=int, default=2048)
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    parser.add_argument("--tune", type=int, default=0, metavar="TRIES", help="only search the rules' knobs")
    parser.add_argument("--folder", type=Path, default=None, help="keep models and returns here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.tune:
        for name in TUNED:
            search(name, options.tune, 256)
        return
    options.folder = options.folder or Path(tempfile.mkdtemp())
    options.folder.mkdir(parents=True, exist_ok=True)
    task = PacingTask(PRESET)
    rows: dict[str, Floats] = {}  # name -> (seeds, days)
    for name in PLAIN:
        rows[name] = returns_of(name, name, options)[None]
    for name, (make, knobs, _) in TUNED.items():
        rows[name] = returns_of(name, lambda make=make, knobs=knobs: make(task, **knobs), options)[None]
    found: dict[str, list[Floats]] = {name: [] for name in options.policies}
    for name in options.policies:
        for seed in range(options.seeds):

            def shifted(name: str = name, seed: int = seed) -> Any:
                policy = ResidualPolicy(train(name, seed, options.steps, options.folder), task)
                return lambda observation: policy.predict(observation)[0]

            found[name].append(returns_of(f"PPO_{name}_{seed}_{options.steps}", shifted, options))
            write({**rows, **{f"PPO {key}": np.stack(some) for key, some in found.items() if some}})


def write(rows: dict[str, Floats]) -> None:
    """Write and print the table, worst first: gains over the best tuned rule and over the last tick."""
    rule = max(TUNED, key=lambda name: float(rows[name].mean()))
    table = []
    for name, returns in sorted(rows.items(), key=lambda row: float(row[1].mean())):
        line: list[Any] = [name, len(returns), f"{returns.mean():.2f}", f"{spread(returns):.2f}"]
        for other in (rule, "PPO last-click"):
            known = rows.get(other)
            if name.startswith("PPO") and known is not None and name != other:
                shared = returns if len(known) == 1 else returns[: len(known)]
                gap = shared - known[: len(shared)]  # seed by seed, where both have any
                line += [f"{gap.mean():.2f}", f"{spread(gap):.2f}"]
        table.append(line)
    columns = (
        "policy",
        "seeds",
        "conversions",
        "stderr",
        f"over {rule}",
        "stderr",
        "over last-click",
        "stderr",
    )
    with (RESULTS / "new_campaign.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *table])
    for cells in (columns, *table):
        print("  ".join(f"{cell!s:<18}" for cell in cells), flush=True)


def spread(values: Floats) -> float:
    """Return the standard error of the mean of (seeds, days): over days, and over the seeds."""
    seeds = len(values)
    between = float(values.mean(axis=1).std(ddof=1)) / seeds**0.5 if seeds > 1 else 0.0
    return error_of(values.mean(axis=0), between)


if __name__ == "__main__":
    main()
