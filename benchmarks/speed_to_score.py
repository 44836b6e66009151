"""Seconds that the zoo configuration of an id needs, on a device, to reach a return."""

from __future__ import annotations

import tempfile
import time
from unittest.mock import patch

from stable_baselines3.common.callbacks import BaseCallback

from sb3_ecom.sb3.device import train as zoo


class Until(BaseCallback):
    """Stops when the mean return of a rollout's episodes reaches the target, or after `most` seconds."""

    def __init__(self, target: float, most: float) -> None:
        super().__init__()
        self.target, self.most = target, most
        self.best, self.seconds, self.steps = float("-inf"), float("nan"), 0
        self._done = False

    def _on_training_start(self) -> None:
        self._start = time.perf_counter()

    def _on_step(self) -> bool:
        return not self._done

    def _on_rollout_end(self) -> None:
        tally = self.training_env.unwrapped.tally
        if not tally.episodes:
            return
        spent = time.perf_counter() - self._start
        self.best = max(self.best, tally.totals["reward"] / tally.episodes)
        if self.best >= self.target and self.seconds != self.seconds:
            self.seconds, self.steps = spent, self.num_timesteps
        self._done = self.best >= self.target or spent > self.most


def seconds_to_return(env_id: str, target: float, device: str, most: float) -> str:
    """Train with ``ppo_device``'s configuration; return a line that says how long it took."""
    until = Until(target, most)

    class Timed(zoo.DeviceExperiments):
        def create_callbacks(self) -> None:
            super().create_callbacks()
            self.callbacks.append(until)

    with tempfile.TemporaryDirectory() as folder, patch.object(zoo, "DeviceExperiments", Timed):
        arguments = f"--env {env_id} --device {device} -f {folder} --eval-freq -1 --seed 1 --verbose 0"
        zoo.train(["--algo", "ppo_device", *arguments.split()])
    if until.seconds != until.seconds:
        return f"{env_id}, {device}: {target} not reached; best {until.best:.3f} in {most:.0f} s at most"
    return f"{env_id}, {device}: {target} reached after {until.seconds:.1f} s and {until.steps:,} env-steps"
