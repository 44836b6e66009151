"""Compares the environments' speed in two checkouts, side by side: one process each, in alternation."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studies.records import REPOSITORY
from tqdm import tqdm

COLUMNS = ("env", "way", "copies", "steps_per_s", "steps_per_s_there", "ratio", "ratio_low", "ratio_high")


class Worker:
    """A process that times the environments of one checkout.

    Raises:
        ValueError: if the checkout's own package is not the one that Python finds.
    """

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        script = Path(__file__).with_name("speed_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],  # -P: this folder's modules stay out of the way
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=checkout,
        )
        found = self._answer()
        self.ids: list[str] = found["ids"]
        if not Path(found["package"]).resolve().is_relative_to(checkout.resolve()):
            self.close()
            raise ValueError(f"sb3_ecom of {checkout} is found at {found['package']}")

    def steps_per_s(self, env_id: str, copies: int, seconds: float) -> float:
        """Time an id: env-steps per second; 0 copies are the single environment."""
        assert self._process.stdin is not None
        request = {"env": env_id, "copies": copies, "seconds": seconds}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return float(self._answer()["steps_per_s"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError(f"the process of a checkout ended with {self._process.wait()}: see above")
        return json.loads(line)  # type: ignore[no-any-return]


@contextmanager
def checkout_of(name: str) -> Iterator[Path]:
    """Give a folder, or a revision of this repository unpacked into a temporary one.

    Raises:
        ValueError: if git knows no such revision.
    """
    if Path(name).is_dir():
        yield Path(name).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "checkout.tar"
        command = ["git", "-C", str(REPOSITORY), "archive", "-o", str(archive), name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(f"--against must be a folder or a revision, got {name!r}: {done.stderr.strip()}")
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
        yield Path(folder)


def compare(
    against: str, ids: Sequence[str], copies: Sequence[int], seconds: float, repeats: int
) -> list[tuple[Any, ...]]:
    """Return rows of `COLUMNS`: medians, and the ratio of each pair of turns (median, lowest, highest).

    Args:
        against: a folder or a revision.
        ids: to time; those that the other checkout lacks are left out.
        copies: of the batches; the single environment comes on top.
        seconds: of a turn.
        repeats: pairs of turns; who goes first alternates.
    """
    rows = []
    with checkout_of(against) as folder:
        workers = Worker(REPOSITORY), Worker(folder)
        try:
            chosen = [name for name in ids or workers[0].ids if all(name in worker.ids for worker in workers)]
            ways = [(env_id, count) for env_id in chosen for count in (0, *copies)]
            for env_id, count in tqdm(ways, unit="way", dynamic_ncols=True):
                pairs = [turn(workers, env_id, count, seconds, bool(k % 2)) for k in range(repeats)]
                rows.append(make_row(env_id, count, pairs))
        finally:
            for worker in workers:
                worker.close()
    return rows


def turn(
    workers: tuple[Worker, Worker], env_id: str, copies: int, seconds: float, swapped: bool
) -> tuple[float, float]:
    """Return (steps/s here, steps/s there) of one pair of turns."""
    order = workers[::-1] if swapped else workers
    first, second = (worker.steps_per_s(env_id, copies, seconds) for worker in order)
    return (second, first) if swapped else (first, second)


def make_row(env_id: str, copies: int, pairs: Sequence[tuple[float, float]]) -> tuple[Any, ...]:
    """Return the row of one way to run an id."""
    here, there = (round(statistics.median(side)) for side in zip(*pairs, strict=True))
    ratios = sorted(one / other for one, other in pairs)
    found = (statistics.median(ratios), ratios[0], ratios[-1])
    way = ("native", copies) if copies else ("gymnasium.Env", 1)
    return (env_id, *way, here, there, *(f"{ratio:.3f}" for ratio in found))


def too_slow(rows: Sequence[tuple[Any, ...]], least: float) -> list[str]:
    """Return the ways whose median ratio lies below `least`."""
    return [f"{row[0]} ({row[1]}, {row[2]}): {row[5]}" for row in rows if float(row[5]) < least]
