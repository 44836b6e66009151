"""One process of two, or of one: an update on its part of a given rollout. Run by test_processes.py.

shared_update.py FOLDER ALGORITHM: reads FOLDER/start.pt, writes FOLDER/<processes>-<rank>.pt
"""

import sys
from pathlib import Path

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.running_mean_std import RunningMeanStd

from sb3_ecom.sb3.device import processes
from sb3_ecom.sb3.device.normalize import DeviceMoments
from sb3_ecom.sb3.device.ppo import DeviceA2C, DevicePPO
from sb3_ecom.sb3.device.vec_env import make_device_env

COPIES, STEPS = 8, 6
ALGORITHMS = {
    "ppo": lambda env: DevicePPO(
        "MlpPolicy", env, n_steps=STEPS, batch_size=COPIES * STEPS, n_epochs=3, seed=4
    ),
    "a2c": lambda env: DeviceA2C("MlpPolicy", env, n_steps=STEPS, seed=4, normalize_advantage=True),
}


class StopsTheFirst(BaseCallback):
    """Stops process 0 in the middle of its second rollout, and leaves the others alone."""

    def _on_step(self) -> bool:
        return processes.process_rank() > 0 or self.n_calls != STEPS + 2


def build(algorithm: str):
    """Return a model on this process's share of the copies."""
    env = make_device_env("EcomLostSales-v0", processes.share_of("n_envs", COPIES), 3, device="cpu")
    model = ALGORITHMS[algorithm](env)
    model._setup_learn(1)
    return model


def update(folder: Path, algorithm: str) -> None:
    """Update once on this process's copies, then stop training from process 0."""
    count, rank = processes.process_count(), processes.process_rank()
    start = torch.load(folder / f"{algorithm}.pt")
    model = build(algorithm)
    first = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.policy.load_state_dict(start["policy"])
    model.rollout_buffer.reset()
    share = slice(rank * COPIES // count, (rank + 1) * COPIES // count)
    for name, column in model.rollout_buffer.columns.items():
        column.copy_(start["columns"][name][:, share])
    model.rollout_buffer.full = True
    model.train()
    moments = DeviceMoments(RunningMeanStd(), torch.device("cpu"))
    moments.update(start["columns"]["rewards"][0, share])
    updated = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(100 * COPIES * STEPS, callback=StopsTheFirst())
    torch.save(
        {
            "first": first,
            "updated": updated,
            "moments": (moments.mean, moments.var, moments.count),
            "stopped_at": model.num_timesteps,
        },
        folder / f"{algorithm}-{count}-{rank}.pt",
    )


if __name__ == "__main__":
    processes.join_processes()
    for name in ALGORITHMS:
        update(Path(sys.argv[1]), name)
    processes.leave_processes()
