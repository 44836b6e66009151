"""Env-steps per second of PPO end to end (simulate, act, update): SB3's ways and the device's.

Rows: SB3's PPO on a DummyVecEnv of 8 with its default batch, on our native VecEnv (on the CPU and on a
GPU), and DevicePPO on the CPU and on a GPU. The ways of one id take turns, so that a busy machine slows all
of them; `cpu_ratio` compares processor time instead of the clock's, which other programs hardly disturb.
Rows that need a GPU stay empty without one, and say so. Writes benchmarks/results/device-<machine>.csv:

    python benchmarks/speed.py device                                  # every id, MLP and LSTM
    python benchmarks/speed.py device EcomRec-v0 --policies MLP --repeats 3
    python benchmarks/speed.py device --time-to-score EcomRec-v0 --target 1.5  # seconds to a return
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from speed_floor import Ceiling, measure_ceiling, ppo_floor
from speed_to_score import seconds_to_return
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env as make_sb3_vec_env
from studies.records import RESULTS, heading, print_rows, write_rows

import sb3_ecom
from sb3_ecom.sb3 import BatchedTimeoutBootstrap, LstmPolicy, make_vec_env
from sb3_ecom.sb3.device import DevicePPO, make_device_env

IDS = ("EcomRec-v0", "EcomRecSlate-v0", "EcomAds-v0", "EcomInventory-v0")
POLICIES = {"MLP": "MlpPolicy", "LSTM": LstmPolicy}
CPU_COPIES = {"MLP": (512, 2048), "LSTM": (256,)}
GPU_COPIES = (1024, 4096, 16384, 65536)
SB3_DEFAULT = {"n_steps": 128, "batch_size": 64, "n_epochs": 10}  # n_steps does not change cost per step
LARGE = {"n_steps": 32, "n_epochs": 4}
COLUMNS = (
    *("env", "policy", "way", "copies", "n_steps", "batch_size", "n_epochs", "steps_per_s", "slowest"),
    *("fastest", "ratio", "cpu_ratio", "env_share", "policy_share", "update_share", "peak_mib"),
    *("floor_us", "measured_us", "note"),
)


@dataclass
class Way:
    """One way to train, and what was measured of it."""

    name: str
    copies: int
    device: str
    settings: dict[str, int]
    model: Any = None
    note: str = ""
    runs: list[float] = field(default_factory=list)  # seconds of one rollout and update
    cpu_runs: list[float] = field(default_factory=list)  # processor seconds of the same
    shares: tuple[float, float, float] | None = None  # of env, policy, update
    peak: int = 0  # bytes on the GPU

    @property
    def steps(self) -> int:
        """Env-steps of one rollout."""
        return self.copies * self.settings["n_steps"]


def ways(gpu_copies: tuple[int, ...], cpu_copies: tuple[int, ...]) -> list[Way]:
    """Return the rows of the table."""

    def large(name: str, copies: int, device: str) -> Way:
        batch = max(8192, copies * LARGE["n_steps"] // 16) if device == "cuda" else 8192
        return Way(name, copies, device, {**LARGE, "batch_size": batch})

    return [
        Way("SB3 PPO, DummyVecEnv", 8, "cpu", SB3_DEFAULT),
        *(large("SB3 PPO, native VecEnv", n, "cpu") for n in cpu_copies),
        *(large("SB3 PPO, native VecEnv", n, "cuda") for n in gpu_copies[1:2]),
        *(large("DevicePPO", n, "cpu") for n in cpu_copies),
        *(large("DevicePPO", n, "cuda") for n in gpu_copies),
    ]


def build(way: Way, env_id: str, policy: Any) -> None:
    """Make the model and train it for one rollout, which warms everything up."""
    if way.device == "cuda":
        if not torch.cuda.is_available():
            way.note = "no CUDA GPU on this machine: not run"
            return
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
    try:
        if way.name == "DevicePPO":
            env: Any = make_device_env(env_id, way.copies, seed=0, device=way.device, stagger=True)
            way.model = DevicePPO(policy, env, seed=0, gamma=0.97, **way.settings)
        else:
            native = way.copies > 8
            env = (make_vec_env if native else make_sb3_vec_env)(env_id, way.copies, seed=0)
            way.model = PPO(policy, env, seed=0, gamma=0.97, device=way.device, **way.settings)
        train_once(way)
    except (ValueError, torch.OutOfMemoryError) as error:
        way.model, way.note = None, str(error)
        return
    if way.device == "cuda":
        way.peak = torch.cuda.max_memory_allocated() - held


def train_once(way: Way) -> None:
    """Run one rollout and one update."""
    native = isinstance(way.model, PPO) and not isinstance(way.model, DevicePPO) and way.copies > 8
    callback = BatchedTimeoutBootstrap() if native else None
    way.model.learn(way.steps, callback=callback, log_interval=None, reset_num_timesteps=False)
    wait(way)


def wait(way: Way) -> None:
    """Let the GPU finish."""
    if way.device == "cuda":
        torch.cuda.synchronize()


def measure_shares(way: Way) -> None:
    """Time the parts in one more rollout and update; policy is the rollout less the env's steps."""
    spent = dict.fromkeys(("step_tensors", "step", "collect_rollouts", "train"), 0.0)

    def timed(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def outer(*args: Any, **kwargs: Any) -> Any:
            wait(way)
            start = time.perf_counter()
            result = inner(*args, **kwargs)
            wait(way)
            spent[name] += time.perf_counter() - start
            return result

        setattr(owner, name, outer)

    env = way.model.get_env()
    timed(env, "step_tensors" if hasattr(env, "step_tensors") else "step")
    timed(way.model, "collect_rollouts")
    timed(way.model, "train")
    train_once(way)
    env_time = spent["step_tensors"] + spent["step"]
    parts = (env_time, spent["collect_rollouts"] - env_time, spent["train"])
    way.shares = tuple(part / sum(parts) for part in parts)  # type: ignore[assignment]


def measure(env_id: str, policy: str, rows: list[Way], repeats: int) -> None:
    """Time all ways in turn."""
    for way in rows:
        build(way, env_id, POLICIES[policy])
    alive = [way for way in rows if way.model is not None]
    for _ in range(repeats):
        for way in alive:
            start, cpu_start = time.perf_counter(), time.process_time()
            train_once(way)
            way.runs.append(time.perf_counter() - start)
            way.cpu_runs.append(time.process_time() - cpu_start)
    for way in alive:
        measure_shares(way)


def table(env_id: str, policy: str, rows: list[Way], ceilings: dict[str, Ceiling]) -> list[tuple[Any, ...]]:
    """Return the rows as they are printed and saved."""
    lines: list[tuple[Any, ...]] = []
    first = rows[0]
    for way in rows:
        head = (env_id, policy, f"{way.name}, {way.device}", way.copies)
        sizes = tuple(way.settings[name] for name in ("n_steps", "batch_size", "n_epochs"))
        if not way.runs:
            lines.append((*head, *sizes, *[""] * 11, way.note))
            continue
        rate = sorted(way.steps / seconds for seconds in way.runs)
        per_step, cpu = (statistics.median(times) / way.steps for times in (way.runs, way.cpu_runs))
        base, cpu_base = (statistics.median(times) / first.steps for times in (first.runs, first.cpu_runs))
        floor = ppo_floor(way.model).seconds(ceilings[way.device])
        lines.append(
            (
                *(*head, *sizes, round(statistics.median(rate)), round(rate[0]), round(rate[-1])),
                *(round(base / per_step, 2), round(cpu_base / cpu, 2) if way.device == "cpu" else ""),
                *(round(share, 3) for share in way.shares or (0, 0, 0)),
                *(round(way.peak / 2**20) if way.peak else "", f"{floor * 1e6:.3g}"),
                *(f"{per_step * 1e6:.3g}", way.note),
            )
        )
    return lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("ids", nargs="*", help=f"default: those registered of {', '.join(IDS)}")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    parser.add_argument("--copies", type=int, nargs="+", help="on the CPU, default: " + str(CPU_COPIES))
    parser.add_argument("--gpu-copies", type=int, nargs="+", default=list(GPU_COPIES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--out", type=Path, help="default: results/device-<machine>.csv")
    parser.add_argument("--time-to-score", metavar="ID")
    parser.add_argument("--target", type=float, help="mean return per episode")
    parser.add_argument("--seconds", type=float, default=600.0, help="give up after this long")


def run(options: argparse.Namespace) -> None:
    """Measure, print and save."""
    torch.set_num_threads(options.threads)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    if options.time_to_score:
        device = "cuda" if gpu else "cpu"
        print(seconds_to_return(options.time_to_score, options.target, device, options.seconds))
        return
    ceilings = {kind: measure_ceiling(torch.device(kind)) for kind in (["cpu", "cuda"] if gpu else ["cpu"])}
    first = heading(gpu=gpu or "none", threads=options.threads)
    for kind, found in ceilings.items():
        first += f", {kind} {found.flops / 1e9:.0f} GFLOP/s float32 and {found.bandwidth / 1e9:.1f} GB/s"
    print(first)
    out = options.out or RESULTS / f"device-{'cpu' if gpu is None else gpu.replace(' ', '-').lower()}.csv"
    known = sb3_ecom.specs()
    saved: list[tuple[Any, ...]] = []
    for env_id in options.ids or [name for name in IDS if name in known]:
        for policy in options.policies:
            rows = ways(tuple(options.gpu_copies), tuple(options.copies or CPU_COPIES[policy]))
            measure(env_id, policy, rows, options.repeats)
            new = table(env_id, policy, rows, ceilings)
            print_rows(COLUMNS, new)
            saved += new
            write_rows(out, COLUMNS, saved, first)  # after every id: a stopped run keeps what it measured
    print(f"saved {out}")
