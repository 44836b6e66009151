"""Env-steps per second of every id: one gym.Env, SB3's DummyVecEnv, and native batches.

One core, random actions, observations and autoreset included, median of 5; the ways to run an id take turns,
so the ratio to DummyVecEnv is of the same run. Writes benchmarks/results/throughput.csv, or with --against
speed_against.csv:

    python benchmarks/speed.py environments EcomRec-v0 --seconds 2
    python benchmarks/speed.py environments --against f2b15a3    # or another checkout's folder
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from speed_against import COLUMNS as COMPARED
from speed_against import compare, too_slow
from stable_baselines3.common.env_util import make_vec_env as make_sb3_vec_env
from stable_baselines3.common.vec_env import VecEnv
from studies.records import RESULTS, heading, print_rows, write_rows

import sb3_ecom
from sb3_ecom.cli.throughput import Advance, Throughput, measure, native_env, single_env
from sb3_ecom.sb3 import make_vec_env

DUMMY = "DummyVecEnv"
COLUMNS = ("env", "way", "copies", "steps_per_s", "slowest", "fastest", "x_DummyVecEnv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("ids", nargs="*", help="default: every id")
    parser.add_argument("--copies", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--against", metavar="REV_OR_FOLDER", help="compare with another checkout instead")
    parser.add_argument("--least", type=float, default=0.9, help="with --against: name ratios below this")
    parser.add_argument("--out", type=Path)


def run(options: argparse.Namespace) -> None:
    """Measure, print and save."""
    if options.against:
        run_against(options)
        return
    out, first, rows = options.out or RESULTS / "throughput.csv", heading(), []
    print(first)
    for env_id in options.ids or sorted(sb3_ecom.specs()):
        found = measure_id(env_id, options.seconds, options.repeats, options.copies)
        dummy = next(way.median for way in found if way.name == DUMMY)
        new = []
        for way in found:
            numbers = (way.median, min(way.runs), max(way.runs))
            new.append((env_id, way.name, way.num_envs, *map(round, numbers), round(way.median / dummy, 2)))
        print_rows(COLUMNS, new)
        rows += new
        write_rows(out, COLUMNS, rows, first)  # after every id: a stopped run keeps what it measured
    print(f"saved {out}")


def run_against(options: argparse.Namespace) -> None:
    """Compare with another checkout, print and save."""
    out = options.out or RESULTS / "speed_against.csv"
    first = heading(against=options.against)
    rows = compare(options.against, options.ids, options.copies, options.seconds, options.repeats)
    write_rows(out, COMPARED, rows, first)
    print(first)
    print_rows(COMPARED, rows)
    slow = too_slow(rows, options.least)
    print(f"ratio below {options.least}: {', '.join(slow) or 'none'}\nsaved {out}")


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
