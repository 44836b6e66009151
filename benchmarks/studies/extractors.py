"""What do sequence encoders cost: alone, and within PPO?

Encoders: microseconds of processor time per observation, forward and forward + backward, batch of 1024 full
windows of 20 and 50 steps with 16 features, 64 units; no two windows share a step, so nothing can be saved.
`ratio` is to flatten + linear, `to nn.LSTM` to torch's own LSTM on the same windows, last step read.

PPO: env-steps per processor second of rollout and update (n_steps 32, batch 2048, 4 epochs) with
LstmPolicy; with LstmPolicy whose encoder makes one plain pass over every padded window ("encode once" is
off); with a bare nn.LSTM over the same history, no mask and no context; and with the MLP.

The candidates take turns, median of 5; processor time, which other programs hardly disturb. One core.
Answer: benchmarks/results/extractors.csv and extractors_ppo.csv.

    python benchmarks/studies/extractors.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from records import heading, save
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import (
    AttentionExtractor,
    AttentionPolicy,
    BatchedTimeoutBootstrap,
    GRUExtractor,
    GruPolicy,
    LSTMExtractor,
    LstmPolicy,
    TransformerExtractor,
    TransformerPolicy,
    make_vec_env,
)
from sb3_ecom.sb3.extractors import shared_windows

BATCH, FEATURES, UNITS = 1024, 16, 64
SETTINGS = {"n_steps": 32, "batch_size": 2048, "n_epochs": 4}
COPIES = 256


class BareLstm(BaseFeaturesExtractor):
    """torch's LSTM over the history as it stands, padding and all: what any LSTM at least costs."""

    def __init__(self, observation_space: LayoutBox) -> None:
        super().__init__(observation_space, UNITS)
        self.layout = observation_space.layout
        self.lstm = nn.LSTM(self.layout.features, UNITS, batch_first=True)

    def forward(self, observations: Tensor) -> Tensor:
        """Return the output (n, 64) of the newest step."""
        return self.lstm(self.layout.split(observations)[1])[0][:, -1]


def take_turns(candidates: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return each candidate's median processor seconds per call."""
    runs: dict[str, list[float]] = {name: [] for name in candidates}
    calls = {}
    for name, work in candidates.items():
        work()
        start = time.process_time()
        work()
        calls[name] = max(1, round(0.2 / max(time.process_time() - start, 1e-6)))
    for _ in range(repeats):
        for name, work in candidates.items():
            start = time.process_time()
            for _ in range(calls[name]):
                work()
            runs[name].append((time.process_time() - start) / calls[name])
    return {name: statistics.median(found) for name, found in runs.items()}


def encoders(steps: int, repeats: int) -> list[tuple[Any, ...]]:
    """Measure the encoders alone on full windows."""
    layout = Layout(0, steps, FEATURES)
    space = LayoutBox(layout)
    observations = torch.randn(BATCH, layout.size)
    layout.split(observations)[1][..., 0] = 1.0
    nets: dict[str, nn.Module] = {
        "flatten + linear": nn.Linear(layout.size, UNITS),
        "AttentionExtractor": AttentionExtractor(space),
        "GRUExtractor": GRUExtractor(space),
        "LSTMExtractor": LSTMExtractor(space),
        "nn.LSTM": BareLstm(space),
        "TransformerExtractor": TransformerExtractor(space),
    }

    def forward(net: nn.Module) -> None:
        with torch.no_grad():
            net(observations)

    def both(net: nn.Module) -> None:
        net(observations).sum().backward()

    rows = []
    for way, work in (("forward", forward), ("forward + backward", both)):
        seconds = take_turns({name: lambda n=net, w=work: w(n) for name, net in nets.items()}, repeats)
        for name, spent in seconds.items():
            ratios = (spent / seconds["flatten + linear"], spent / seconds["nn.LSTM"])
            rows.append((name, steps, way, f"{1e6 * spent / BATCH:.2f}", *(f"{r:.2f}" for r in ratios)))
    return rows


def training(env_id: str, repeats: int) -> list[tuple[Any, ...]]:
    """Measure PPO, one rollout and its update a call."""

    def model(policy: Any, **kwargs: Any) -> PPO:
        venv = make_vec_env(env_id, COPIES, seed=0)
        return PPO(policy, venv, seed=0, device="cpu", gamma=0.97, policy_kwargs=kwargs, **SETTINGS)

    models = {
        "MlpPolicy": model("MlpPolicy"),
        "AttentionPolicy": model(AttentionPolicy),
        "GruPolicy": model(GruPolicy),
        "LstmPolicy": model(LstmPolicy),
        "LstmPolicy, encode once off": model(LstmPolicy),
        "bare nn.LSTM": model("MlpPolicy", features_extractor_class=BareLstm),
        "TransformerPolicy": model(TransformerPolicy),
    }
    steps = COPIES * SETTINGS["n_steps"]

    def learn(name: str) -> None:
        rows = 10**9 if name.endswith("off") else shared_windows._FEW
        with patch.object(shared_windows, "_FEW", rows):
            callback = BatchedTimeoutBootstrap()
            models[name].learn(steps, callback, log_interval=None, reset_num_timesteps=False)

    seconds = take_turns({name: lambda n=name: learn(n) for name in models}, repeats)
    bare = seconds["bare nn.LSTM"]
    return [
        (env_id, name, round(steps / spent), f"{bare / spent:.2f}", f"{seconds['MlpPolicy'] / spent:.2f}")
        for name, spent in seconds.items()
    ]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", default=["EcomRec-v0", "EcomAds-v0"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=("encoders", "ppo"), help="one of the two tables")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.only != "ppo":
        rows = [row for steps in (20, 50) for row in encoders(steps, options.repeats)]
        columns = ("encoder", "steps", "way", "us", "ratio", "to nn.LSTM")
        save("extractors.csv", columns, rows, heading())
    if options.only == "encoders":
        return
    rows = [row for env_id in options.ids for row in training(env_id, options.repeats)]
    save("extractors_ppo.csv", ("env", "policy", "steps_per_s", "x nn.LSTM", "x MLP"), rows, heading())


if __name__ == "__main__":
    main()
