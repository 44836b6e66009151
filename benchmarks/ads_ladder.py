"""The ladder of an advertising id: random, the best constant, every baseline, the zoo's learner, the bound.

    python benchmarks/ads_ladder.py EcomAds-v0 --seeds 5 --folder runs
    python benchmarks/ads_ladder.py EcomAdsRank-v0 --seeds 1

Each seed of the learner is one `python -m rl_zoo3.train` with zoo_configs/ppo.yml, stepped natively. Every
policy meets the same days (or campaigns, or visits), and differences to the learner are paired over them; the
learner's standard error adds the spread of its seeds. The best constant action is searched on days of its
own. Runs and returns that lie in `--folder` are not repeated, so a broken-off ladder goes on where it
stopped. The table goes to benchmarks/results/ladder_<id>.csv and, as markdown, to standard output.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import sb3_ecom
from sb3_ecom.core.evaluate import make_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.auto_bidding import oracle as auto_oracle
from sb3_ecom.envs.advertising.channel import oracle as channel_oracle
from sb3_ecom.envs.advertising.keyword import oracle as keyword_oracle
from sb3_ecom.envs.advertising.pacing import oracle as pacing_oracle
from sb3_ecom.sb3.saved_model import load_policy
from sb3_ecom.sb3.zoo import config_path

RESULTS = Path(__file__).resolve().parent / "results"
FIELDS = ("policy", "return", "stderr", "score", "ppo_minus", "ppo_minus_stderr")
GROUP = 256  # days side by side: what a bound can hold in memory
DAYS, SEARCH_DAYS = 11, 1_224  # seeds of the days that everybody meets, and of the constants' search
Floats = NDArray[np.float64]  # (days,)
Row = dict[str, str]

#: The most that could be had on each of the days of StepLoop(task, n) after reset(seed).
BOUNDS: dict[str, Callable[[Any, int, int], Floats]] = {
    "EcomAds-v0": pacing_oracle.hindsight,
    "EcomAdsAuto-v0": auto_oracle.hindsight,
    "EcomAdsKeyword-v0": keyword_oracle.bounds,
    "EcomAdsChannel-v0": lambda task, n, seed: channel_oracle.bounds(
        channel_oracle.campaigns_of(task, n, seed)
    ),
}
#: Under which keyword arguments a constant action means a constant bid.
CONSTANT_KWARGS = {"EcomAds-v0": {"control": "absolute"}, "EcomAdsAuto-v0": {"control": "absolute"}}


def groups(days: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield (copies, seed) of the loops that play the days."""
    for number in range(-(-days // GROUP)):
        copies = min(GROUP, days - number * GROUP)
        yield copies, int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def play(env_id: str, policy: Any, days: int, seed: int = DAYS, **kwargs: Any) -> Floats:
    """Return the returns of a policy: a name, a callable or a model, as for `sb3_ecom.evaluate`."""
    entry = sb3_ecom.spec(env_id)
    task, found = entry.make_task(**kwargs), []
    for copies, start in groups(days, seed):
        loop = StepLoop(task, copies)
        actor = make_policy(entry, loop, policy, True, start)
        found.append(run_episodes(loop, actor, start)["reward"])
    return np.concatenate(found).astype(np.float64)


def constant_policy(action: Any) -> Callable[[Any], Any]:
    """Return the policy that always acts the same."""
    return lambda observation: np.repeat(np.asarray(action)[None], len(observation), axis=0)


def best_constant(env_id: str, days: int) -> tuple[Any, int]:
    """Return the best constant action found and how many were tried."""
    tried = []

    def value(action: Any) -> float:
        tried.append(action)
        kwargs = CONSTANT_KWARGS.get(env_id, {})
        return float(play(env_id, constant_policy(action), days, SEARCH_DAYS, **kwargs).mean())

    if env_id == "EcomAdsTarget-v0":
        return max((np.int64(k) for k in range(6)), key=value), len(tried)
    if env_id == "EcomAdsKeyword-v0":
        # Keywords are alike before a campaign: what matters is how many are bid on, and how high.
        levels, some = np.linspace(-0.6, 0.4, 6), (5, 10)
        points = [np.where(np.arange(10) < k, x, -1.0).astype(np.float32) for k in some for x in levels]
        return max(points, key=value), len(tried)
    search = by_cross_entropy if env_id == "EcomAdsChannel-v0" else by_zooming
    return search(value, 2 if env_id == "EcomAdsRank-v0" else 1), len(tried)


def by_zooming(value: Callable[[Any], float], size: int) -> Any:
    """Search a box of 1 or 2 dimensions: a grid of 5 a side, then finer ones around the best, four in all."""
    centre, width = np.zeros(size), 1.0
    for _ in range(4):
        axis = np.linspace(-width, width, 5)
        points = np.clip([centre + point for point in itertools.product(axis, repeat=size)], -1, 1)
        centre = max(points.astype(np.float32), key=value)
        width *= 0.4
    return centre


def by_cross_entropy(value: Callable[[Any], float], _: int) -> Any:
    """Search seven shares: 30 rounds of 32, the best 6 make the next round's law."""
    draw, mean, sd = np.random.default_rng(0), np.zeros(7), np.full(7, 0.4)
    for _ in range(30):
        drawn = np.clip(mean + sd * draw.standard_normal((32, 7)), -1, 1).astype(np.float32)
        elite = drawn[np.argsort([value(action) for action in drawn])[-6:]]
        mean, sd = elite.mean(axis=0), 0.7 * elite.std(axis=0) + 0.24 * sd
    return mean.astype(np.float32)


def train(env_id: str, seed: int, folder: str) -> Path:
    """Train one seed as a user would, unless it is there; return the model."""
    done = Path(folder) / "ppo" / f"{env_id}_seed{seed}"
    path = done / f"{env_id}.zip"
    if path.is_file():
        return path
    command = [sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", env_id]
    command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(config_path("ppo")), "--seed", str(seed)]
    command += ["-f", str(Path(folder) / f"{env_id}_{seed}"), "--eval-freq", "-1", "--num-threads", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--verbose", "0"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"seed {seed}: trained in {spent:.0f} s of processor time", flush=True)
    # rl-zoo numbers its runs by what is there; ours are numbered by the seed, and moved when complete.
    done.parent.mkdir(parents=True, exist_ok=True)
    (Path(folder) / f"{env_id}_{seed}" / "ppo" / f"{env_id}_1").rename(done)
    return path


def keep(name: str, options: argparse.Namespace, compute: Callable[[], Floats]) -> Floats:
    """Return the returns that lie in the folder under this name, or compute and keep them."""
    path = Path(options.folder) / "returns" / f"{options.env_id}_{name}_{options.days}.npy"
    if not path.is_file():
        found = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, found)
        print(f"{name}: {found.mean():.4f} +- {error_of(found):.4f}", flush=True)
    return np.asarray(np.load(path), dtype=np.float64)


def error_of(values: Floats, between: float = 0.0) -> float:
    """Return the standard error over days; `between` is what the seeds add."""
    return float(np.hypot(values.std(ddof=1) / values.size**0.5, between))


def measure_others(options: argparse.Namespace) -> dict[str, Floats]:
    """Return the returns of everybody but the learner."""
    env_id, days = options.env_id, options.days
    entry = sb3_ecom.spec(env_id)
    found = {}
    for name in ("random", *entry.baselines, *entry.privileged):
        found[name] = keep(name, options, lambda name=name: play(env_id, name, days))  # type: ignore[misc]

    def constant() -> Floats:
        action, tried = best_constant(env_id, options.search_days)
        print(f"best constant of {tried}: {np.round(action, 3)}", flush=True)
        return play(env_id, constant_policy(action), days, **CONSTANT_KWARGS.get(env_id, {}))

    found["best constant action"] = keep("best_constant", options, constant)
    if env_id in BOUNDS:
        task = entry.make_task()
        found["bound of the same days"] = keep(
            "bound",
            options,
            lambda: np.concatenate([BOUNDS[env_id](task, *group) for group in groups(days, DAYS)]),
        )
    return found


def main() -> None:
    """Train the seeds, measure everybody, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("env_id", nargs="?", default="EcomAds-v0")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--days", type=int, default=4096, help="episodes that everybody meets")
    parser.add_argument("--search-days", type=int, default=128, help="episodes of the constants' search")
    parser.add_argument("--folder", default=None, help="keep runs and returns here, and use those there")
    options = parser.parse_args()
    options.folder = options.folder or tempfile.mkdtemp()
    env_id, entry = options.env_id, sb3_ecom.spec(options.env_id)
    learners = []
    for seed in range(options.seeds):
        path = train(env_id, seed, options.folder)
        model = load_policy(path, entry.make_task(), algo="ppo")
        learners.append(
            keep(f"ppo{seed}", options, lambda model=model: play(env_id, model, options.days))  # type: ignore[misc]
        )
    others = measure_others(options)
    rows = []
    if learners:
        mean = np.mean(learners, axis=0)
        spread = np.std(np.mean(learners, axis=1), ddof=1) if len(learners) > 1 else 0.0
        between = float(spread) / len(learners) ** 0.5
        rows.append(line(f"PPO, zoo config, {len(learners)} seeds", entry, mean, between))
    for name, found in others.items():
        rows.append(line(name, entry, found))
        if learners:
            gap = mean - found
            rows[-1] |= {
                "ppo_minus": f"{gap.mean():.3f}",
                "ppo_minus_stderr": f"{error_of(gap, between):.3f}",
            }
    rows.sort(key=lambda row: float(row["return"]))
    with open(RESULTS / f"ladder_{env_id}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    print("| " + " | ".join(FIELDS) + " |\n|" + " --- |" * len(FIELDS))
    for row in rows:
        print("| " + " | ".join(row.get(field, "") for field in FIELDS) + " |")


def line(name: str, entry: sb3_ecom.Spec, returns: Floats, between: float = 0.0) -> Row:
    """Return a policy's line of the table."""
    mean = float(returns.mean())
    numbers = (f"{mean:.3f}", f"{error_of(returns, between):.3f}", f"{entry.score(mean):.3f}")
    return dict(zip(FIELDS, (name, *numbers), strict=False))


if __name__ == "__main__":
    main()
