"""Measure env-steps per second: random actions, observations and autoreset included."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

Advance = Callable[[], None]  # advances every copy by one step

_POOL = 64  # batches of random actions, drawn beforehand: sampling is not the environment's work


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Env-steps per second of one way to run an id."""

    name: str
    num_envs: int
    runs: tuple[float, ...]  # env-steps/s, one per repeat

    @property
    def median(self) -> float:
        """Median over the repeats, env-steps/s."""
        return statistics.median(self.runs)


def measure(
    candidates: Sequence[tuple[str, int, Advance]], *, seconds: float = 1.0, repeats: int = 5
) -> list[Throughput]:
    """Time each candidate (name, copies, advance) `repeats` times.

    The candidates take turns, so that a busy machine slows all of them and their ratio stays fair.

    Raises:
        ValueError: if `seconds` <= 0 or `repeats` < 1.
    """
    # Not above: `speed.py --against` times older checkouts, which may not have it, by this very file.
    from sb3_ecom.core.checks import check_above, check_at_least

    check_above("seconds", seconds, 0)
    check_at_least("repeats", repeats, 1)
    for _, _, advance in candidates:
        calls_per_second(advance, min(seconds, 0.2))
    runs: list[list[float]] = [[] for _ in candidates]
    for _ in range(repeats):
        for (_, num_envs, advance), found in zip(candidates, runs, strict=True):
            found.append(num_envs * calls_per_second(advance, seconds))
    return [
        Throughput(name=name, num_envs=n, runs=tuple(found))
        for (name, n, _), found in zip(candidates, runs, strict=True)
    ]


def single_env(env_id: str, **kwargs: Any) -> Advance:
    """Return the step of one `gymnasium.make` environment, reset where an episode ends."""
    env = gymnasium.make(env_id, **kwargs)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(_POOL)]
    env.reset(seed=0)
    turn = 0

    def advance() -> None:
        nonlocal turn
        turn = (turn + 1) % _POOL
        _, _, terminated, truncated, _ = env.step(actions[turn])
        if terminated or truncated:
            env.reset()

    return advance


def native_env(env_id: str, num_envs: int, **kwargs: Any) -> Advance:
    """Return the step of n copies in one natively batched environment."""
    env = gymnasium.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **kwargs)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(max(2, _POOL // num_envs))]
    env.reset(seed=0)
    turn = 0

    def advance() -> None:
        nonlocal turn
        turn = (turn + 1) % len(actions)
        env.step(actions[turn])

    return advance


def describe_machine() -> dict[str, str]:
    """Return processor, cores, load, and the versions that matter for speed."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    packages = ("gymnasium", "stable-baselines3", "torch")
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: _version(name) for name in packages},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def calls_per_second(advance: Advance, seconds: float) -> float:
    """Return calls per second over at least `seconds`."""
    calls, batch, start = 0, 1, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(batch):
            advance()
        calls += batch
        batch = min(2 * batch, 64)
    return calls / elapsed
