"""Env-steps per second of every id: one gym.Env, SB3's DummyVecEnv, and native batches.

One core, random actions, observations and autoreset included, median of 5; the ways to run an id take
turns, so the ratio to DummyVecEnv is of the same run. Prints and writes benchmarks/results/throughput.csv:

    python benchmarks/throughput.py                      # every id
    python benchmarks/throughput.py EcomRec-v0 --seconds 2
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from stable_baselines3.common.env_util import make_vec_env as make_sb3_vec_env
from stable_baselines3.common.vec_env import VecEnv

import sb3_ecom
from sb3_ecom.cli.throughput import (
    Advance,
    Throughput,
    describe_machine,
    measure,
    native_env,
    single_env,
)
from sb3_ecom.sb3 import make_vec_env

RESULTS = Path(__file__).resolve().parent / "results" / "throughput.csv"
DUMMY = "DummyVecEnv"
COLUMNS = ("env", "way", "copies", "steps_per_s", "slowest", "fastest", "x_DummyVecEnv")


def vec_env(venv: VecEnv) -> Advance:
    """Return the step of an SB3 VecEnv under random actions."""
    venv.action_space.seed(0)
    n = venv.num_envs
    actions = [np.stack([venv.action_space.sample() for _ in range(n)]) for _ in range(max(2, 64 // n))]
    venv.reset()
    turn = 0

    def advance() -> None:
        nonlocal turn
        turn = (turn + 1) % len(actions)
        venv.step(actions[turn])

    return advance


def measure_id(env_id: str, seconds: float, repeats: int, copies: list[int]) -> list[Throughput]:
    """Measure one id in every way."""
    candidates = [
        ("gymnasium.Env", 1, single_env(env_id)),
        (DUMMY, 8, vec_env(make_sb3_vec_env(env_id, n_envs=8, seed=0))),
        *(("native", n, native_env(env_id, n)) for n in copies),
        *(
            ("native, as SB3 VecEnv", n, vec_env(make_vec_env(env_id, n, seed=0)))
            for n in copies
            if n == 1024
        ),
    ]
    return measure(candidates, seconds=seconds, repeats=repeats)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", help="default: every id")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 64, 1024, 4096])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = {"sb3_ecom": sb3_ecom.__version__, **describe_machine()}
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    print(("{:<26}{:<24}{:>7}" + "{:>14}" * 4).format(*COLUMNS))
    rows = []
    for env_id in options.ids or sorted(sb3_ecom.specs()):
        found = measure_id(env_id, options.seconds, options.repeats, options.copies)
        dummy = next(way.median for way in found if way.name == DUMMY)
        for way in found:
            numbers = (way.median, min(way.runs), max(way.runs))
            rows.append((env_id, way.name, way.num_envs, *map(round, numbers), round(way.median / dummy, 2)))
            print("{:<26}{:<24}{:>7}{:>14,}{:>14,}{:>14,}{:>14}".format(*rows[-1]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {', '.join(f'{key} {value}' for key, value in machine.items())}\n")
        csv.writer(file).writerows([COLUMNS, *rows])
    print(f"saved {options.out}")


if __name__ == "__main__":
    main()
