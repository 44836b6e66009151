"""rl-zoo's training script for the algorithms that live on a device.

``python -m sb3_ecom train --algo ppo_device --env EcomRec-v0`` takes every option of ``rl_zoo3.train``,
reads the same yml format and writes the same folders. Only the training environment is another one:
`make_device_env` instead of a DummyVecEnv. There is no monitor.csv: single episodes stay on the device,
their sums go to the logger.

Under ``torch.distributed.run --nproc-per-node N -m sb3_ecom`` N processes train one model: each has an Nth of
`n_envs`, process 0 logs, evaluates and saves, and with ``--max-restarts`` a run whose process was killed goes
on from its last checkpoint.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rl_zoo3.exp_manager import ExperimentManager
from rl_zoo3.hyperparams_opt import HYPERPARAMS_CONVERTER, HYPERPARAMS_SAMPLER
from rl_zoo3.utils import ALGOS
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CheckpointCallback
from stable_baselines3.common.vec_env import VecEnv

from sb3_ecom.core.registry import specs
from sb3_ecom.sb3.device.elastic import Checkpoint, last_checkpoint
from sb3_ecom.sb3.device.normalize import DeviceVecNormalize
from sb3_ecom.sb3.device.ppo import DeviceA2C, DevicePPO
from sb3_ecom.sb3.device.processes import (
    join_processes,
    leave_processes,
    process_count,
    process_rank,
    restart_count,
    seed_of_process,
    share_of,
    tell_restarts,
    told_before_restart,
)
from sb3_ecom.sb3.device.vec_env import DeviceVecEnv, make_device_env
from sb3_ecom.sb3.zoo import batched_vec_env, config_path

ALGORITHMS = {"ppo_device": DevicePPO, "a2c_device": DeviceA2C}
_EVALUATIONS = 20  # of a run, where --eval-freq does not say
_SEEDS = 1_000_003  # between a run and its restart, which must not meet the same customers again


class DeviceExperiments(ExperimentManager):  # type: ignore[misc]
    """rl-zoo's ExperimentManager, with training environments on the device of ``--device``."""

    default_vec_env_cls = staticmethod(batched_vec_env)  # type: ignore[assignment]
    checkpoint: Checkpoint | None = None  # from which a restarted run goes on

    def __init__(self, args: Any, algo: str, *more: Any, **kwargs: Any) -> None:
        kwargs["config"] = kwargs.get("config") or str(config_path(algo))
        super().__init__(args, algo, *more, **kwargs)
        if process_rank() > 0:
            self.log_path = self.save_path = tempfile.mkdtemp(prefix="sb3_ecom_process_")
            self.params_path = f"{self.save_path}/{self.env_name}"
            self.tensorboard_log, self.verbose = None, 0

    def create_log_folder(self) -> None:
        """Make the run folder, or go on in that of the processes before a restart."""
        if process_count() > 1:
            self._go_on()
        super().create_log_folder()  # type: ignore[no-untyped-call]
        if process_count() > 1 and process_rank() == 0:
            tell_restarts("run", str(Path(self.save_path).absolute()))

    def _go_on(self) -> None:
        """Take the run folder and the last checkpoint of the processes before a restart, if there are any."""
        told = told_before_restart("run")
        if told is None:
            return
        run = Path(told)
        if process_rank() == 0:
            self.save_path = str(run)
            self.params_path = f"{run}/{self.env_name}"
        self.checkpoint = last_checkpoint(run)
        if self.checkpoint is not None:
            self.trained_agent, self.continue_training = str(self.checkpoint.model), True

    def create_callbacks(self) -> None:
        """Create rl-zoo's callbacks; without ``--eval-freq``, evaluate 20 times a run.

        rl-zoo's 25,000 steps are a fraction of one rollout here. Of several processes the first alone
        evaluates and saves checkpoints, 20 a run without ``--save-freq``.
        """
        if process_rank() > 0:
            return
        if not any(argument.startswith("--eval-freq") for argument in sys.argv):
            self.eval_freq = max(self.n_timesteps // _EVALUATIONS, 1)
        save_freq, shared = self.save_freq, process_count() > 1
        if shared:
            self.save_freq = -1
        super().create_callbacks()  # type: ignore[no-untyped-call]
        if shared:
            steps = max(save_freq if save_freq > 0 else self.n_timesteps // _EVALUATIONS, 1)
            calls = max(steps // self.n_envs, 1)
            self.callbacks.append(CheckpointCallback(calls, self.save_path, save_vecnormalize=True))

    def learn(self, model: BaseAlgorithm) -> None:
        """Train, after a restart for the steps that are left."""
        if self.checkpoint is None:
            super().learn(model)
            return
        left = self.n_timesteps - model.num_timesteps
        with patch.object(model, "learn", partial(model.learn, reset_num_timesteps=False)):
            self.n_timesteps = max(left, 0)
            super().learn(model)

    def save_trained_model(self, model: BaseAlgorithm) -> None:
        """Save the model; of several processes the first does."""
        if process_rank() == 0:
            super().save_trained_model(model)

    def create_envs(self, n_envs: int, eval_env: bool = False, no_log: bool = False) -> VecEnv:
        """Build the environment of the algorithm, or rl-zoo's for an evaluation.

        Raises:
            ValueError: if the yml asks for wrappers that would take every step off the device.
        """
        if eval_env:
            return super().create_envs(n_envs, eval_env, no_log)
        for key in ("env_wrapper", "vec_env_wrapper", "frame_stack"):
            if getattr(self, key) is not None:
                raise ValueError(
                    f"{key} of the yml works on the host and {self.algo} never leaves the device: remove it, "
                    f"or train with --algo {self.algo.removesuffix('_device')}"
                )
        copies = share_of("n_envs", n_envs)
        env = make_device_env(
            self.env_name.gym_id, copies, self.seed, device=self.device, stagger=True, **self.env_kwargs
        )
        return self._maybe_normalize(env, eval_env=False)

    def _maybe_normalize(self, env: VecEnv, eval_env: bool) -> VecEnv:
        if not isinstance(env, DeviceVecEnv):
            return super()._maybe_normalize(env, eval_env)
        saved = Path(self.trained_agent).parent / self.env_name / "vecnormalize.pkl"
        if self.checkpoint is not None and self.checkpoint.statistics is not None:
            saved = self.checkpoint.statistics
        if self.trained_agent and saved.is_file():
            return DeviceVecNormalize.load(str(saved), env)
        return DeviceVecNormalize(env, **self.normalize_kwargs) if self.normalize else env


def train(arguments: Sequence[str]) -> Path | None:
    """Run rl-zoo's training script with "ppo_device" (the default) or "a2c_device".

    Returns:
        The run folder; None where no model was trained.

    Raises:
        ValueError: as rl-zoo's script, or if the id is not one of ours.
    """
    script = importlib.import_module("rl_zoo3.train")
    if _asked(arguments, "--algo") is None:
        arguments = ["--algo", "ppo_device", *arguments]
    env_id = _asked(arguments, "--env")
    if env_id is not None and env_id not in specs() and "--gym-packages" not in arguments:
        raise ValueError(f"--env must be one of {', '.join(sorted(specs()))}, got {env_id!r}")
    folders: list[Path] = []

    class Experiments(DeviceExperiments):
        def save_trained_model(self, model: Any) -> None:
            super().save_trained_model(model)
            if process_rank() == 0:
                folders.append(Path(self.save_path))

    join_processes(_asked(arguments, "--device") or "auto")
    try:
        with (
            _known_algorithms(),
            patch.object(sys, "argv", ["sb3_ecom train", *_of_process(arguments)]),
            patch.object(script, "ExperimentManager", Experiments),
        ):
            script.train()
    finally:
        leave_processes()
    return folders[0] if folders else None


def _of_process(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the seed of this process."""
    seed = _asked(arguments, "--seed")
    if seed is None or process_count() == 1:
        return list(arguments)
    return [*arguments, f"--seed={seed_of_process(int(seed) + _SEEDS * restart_count())}"]


@contextmanager
def _known_algorithms() -> Iterator[None]:
    """Add ours to rl-zoo's tables while its script runs."""
    plain = {name: name.removesuffix("_device") for name in ALGORITHMS}
    with (
        patch.dict(ALGOS, ALGORITHMS),
        patch.dict(HYPERPARAMS_SAMPLER, {name: HYPERPARAMS_SAMPLER[other] for name, other in plain.items()}),
        patch.dict(
            HYPERPARAMS_CONVERTER, {name: HYPERPARAMS_CONVERTER[other] for name, other in plain.items()}
        ),
    ):
        yield


def _asked(arguments: Sequence[str], option: str) -> str | None:
    for place, argument in enumerate(arguments):
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
        if argument == option and place + 1 < len(arguments):
            return arguments[place + 1]
    return None
