"""Runs rl-zoo's scripts as a user would: in a folder of one's own, outside the checkout."""

import os
import subprocess
import sys
from pathlib import Path

from sb3_ecom.sb3.zoo import config_path

TIMEOUT = 300  # seconds; a tiny budget takes about ten


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy", "MPLBACKEND": "agg"}


def run(folder: Path, *arguments: str, fails: bool = False, timeout: float = TIMEOUT) -> str:
    """Run `python -m ...` in `folder`; return stdout and stderr together."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, f"exit {done.returncode}: {' '.join(arguments)}\n{output[-4000:]}"
    return output


def train_arguments(algo: str, steps: int, *more: str) -> list[str]:
    """The natively batched, tuned and logged command, with a tiny budget."""
    return [
        *("rl_zoo3.train", "--algo", algo, "--env", "EcomRec-v0", "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path(algo)), "-n", str(steps), "--seed", "1", "--num-threads", "1"),
        *("--eval-freq", "-1", *more),
    ]
