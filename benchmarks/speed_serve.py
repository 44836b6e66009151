"""Latency of `serve` over loopback: one client, one request at a time, one core for the service.

An exported EcomRec-v0 policy answers pages of running visits with exploration and a decision log; rewards are
recorded between the pages. Prints milliseconds at p50, p99 and the slowest of pages and of rewards:

    python benchmarks/speed.py serve                     # writes benchmarks/results/serve.csv
    python benchmarks/speed.py serve --pages 500 --no-save
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
from studies.records import heading, print_rows, save

COLUMNS = ("request", "requests", "p50_ms", "p99_ms", "slowest_ms")
_PAGES = 10  # of a visit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--policy", type=Path, metavar="FOLDER", help="exported (default: an untrained zoo policy)"
    )
    parser.add_argument("--pages", type=int, default=5000, help="(default %(default)s)")
    parser.add_argument("--state", default="memory", help="of visits (default %(default)s)")
    parser.add_argument("--no-save", action="store_true", help="print only")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.policy or untrained(Path(temporary))
        rows = measure(folder, Path(temporary) / "log", options.pages, options.state)
    if options.no_save:
        print_rows(COLUMNS, rows)
    else:
        save("serve.csv", COLUMNS, rows, heading(state=options.state))


def untrained(folder: Path) -> Path:
    """Export the zoo's kind of policy without training: it takes as long as a trained one."""
    from stable_baselines3 import PPO

    from sb3_ecom.sb3 import LastItemEmbeddingPolicy
    from sb3_ecom.sb3.export import export

    PPO(LastItemEmbeddingPolicy, gym.make("EcomRec-v0"), n_steps=64, seed=0).save(folder / "ppo.zip")
    export(folder / "ppo.zip", folder / "policy", "EcomRec-v0", checked=256)
    return folder / "policy"


def measure(folder: Path, log: Path, pages: int, state: str) -> list[tuple[object, ...]]:
    """Return the rows of the table."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--log", str(log), "--explore", "plackett-luce:0.5", "--state", state]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    service = subprocess.Popen(
        [sys.executable, "-m", "sb3_ecom", "serve", str(folder), *options], env=environment
    )
    try:
        client = _wait(port)
        _visits(client, 200)  # warm
        found = _visits(client, pages)
    finally:
        service.terminate()
        service.wait()
    return [
        (
            name,
            len(seconds),
            *(f"{1000 * value:.2f}" for value in (*np.quantile(seconds, (0.5, 0.99)), max(seconds))),
        )
        for name, seconds in found.items()
    ]


def _wait(port: int) -> http.client.HTTPConnection:
    for _ in range(300):
        client = http.client.HTTPConnection("127.0.0.1", port)
        try:
            client.connect()
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except ConnectionError:
            time.sleep(0.1)
        else:
            return client
    raise RuntimeError("the service did not start")


def _visits(client: http.client.HTTPConnection, pages: int) -> dict[str, list[float]]:
    """Ask for pages of visits of ten pages, a click on every third; return the seconds of each request."""
    found: dict[str, list[float]] = {"/recommend": [], "/record": []}
    visit = ""
    for page in range(pages):
        if page % _PAGES == 0:
            visit = _ask(client, "/open", {"landing": "A1", "hour": 12.0})["visit"]
        start = time.perf_counter()
        slate = _ask(client, "/recommend", {"visit": visit})
        found["/recommend"].append(time.perf_counter() - start)
        body = {"event_id": slate["event_id"], "clicked": slate["items"][0] if page % 3 == 0 else None}
        start = time.perf_counter()
        _ask(client, "/record", body)
        found["/record"].append(time.perf_counter() - start)
    return found


def _ask(client: http.client.HTTPConnection, path: str, body: dict[str, object]) -> dict[str, object]:
    client.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = client.getresponse()
    content = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"{path}: {content}")
    return content
