"""Training steps per second of the zoo entry, stepped natively, against the literal `rl_zoo3.train --env ID`.

The two take turns, one thread each, without evaluation; prints steps/s as SB3 logs them and the ratio of each
pair, then the median:

    python benchmarks/speed.py training EcomRec-v0 --pairs 5
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile

from training import training_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("env_id", metavar="ID")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--literal-steps", type=int, default=40_000)
    parser.add_argument("--native-steps", type=int, default=1_200_000)


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    ratios = []
    for _ in range(options.pairs):
        literal = steps_per_s(options.env_id, options.literal_steps, native=False)
        native = steps_per_s(options.env_id, options.native_steps, native=True)
        ratios.append(native / literal)
        print(f"literal {literal:,} steps/s  native {native:,} steps/s  {ratios[-1]:.1f}x", flush=True)
    print(f"median {statistics.median(ratios):.1f}x")


def steps_per_s(env_id: str, steps: int, native: bool) -> int:
    """Train for so many steps; return the last steps/s logged."""
    with tempfile.TemporaryDirectory() as folder:  # also the working directory: no configuration to be found
        command = training_command("ppo", env_id, folder=folder, steps=steps, native=native, verbose=1)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, check=True, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
    return int(re.findall(r"\bfps\s*\|\s*(\d+)", done.stdout)[-1])
