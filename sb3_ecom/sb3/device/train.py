"""rl-zoo's training script for the algorithms that live on a device.

``python -m sb3_ecom train --algo ppo_device --env EcomRec-v0`` takes every option of ``rl_zoo3.train``,
reads the same yml format and writes the same folders. Only the training environment is another one:
`make_device_env` instead of a DummyVecEnv. There is no monitor.csv: single episodes stay on the device,
their sums go to the logger.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rl_zoo3.exp_manager import ExperimentManager
from rl_zoo3.hyperparams_opt import HYPERPARAMS_CONVERTER, HYPERPARAMS_SAMPLER
from rl_zoo3.utils import ALGOS
from stable_baselines3.common.vec_env import VecEnv

from sb3_ecom.core.registry import specs
from sb3_ecom.sb3.device.normalize import DeviceVecNormalize
from sb3_ecom.sb3.device.ppo import DeviceA2C, DevicePPO
from sb3_ecom.sb3.device.vec_env import DeviceVecEnv, make_device_env
from sb3_ecom.sb3.zoo import batched_vec_env, config_path

ALGORITHMS = {"ppo_device": DevicePPO, "a2c_device": DeviceA2C}
_EVALUATIONS = 20  # of a run, where --eval-freq does not say


class DeviceExperiments(ExperimentManager):  # type: ignore[misc]
    """rl-zoo's ExperimentManager, with training environments on the device of ``--device``."""

    default_vec_env_cls = staticmethod(batched_vec_env)  # type: ignore[assignment]

    def __init__(self, args: Any, algo: str, *more: Any, **kwargs: Any) -> None:
        kwargs["config"] = kwargs.get("config") or str(config_path(algo))
        super().__init__(args, algo, *more, **kwargs)

    def create_callbacks(self) -> None:
        """Create rl-zoo's callbacks; without ``--eval-freq``, evaluate 20 times a run.

        rl-zoo's 25,000 steps are a fraction of one rollout here.
        """
        if not any(argument.startswith("--eval-freq") for argument in sys.argv):
            self.eval_freq = max(self.n_timesteps // _EVALUATIONS, 1)
        super().create_callbacks()  # type: ignore[no-untyped-call]

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
        env = make_device_env(
            self.env_name.gym_id, n_envs, self.seed, device=self.device, stagger=True, **self.env_kwargs
        )
        return self._maybe_normalize(env, eval_env=False)

    def _maybe_normalize(self, env: VecEnv, eval_env: bool) -> VecEnv:
        if not isinstance(env, DeviceVecEnv):
            return super()._maybe_normalize(env, eval_env)
        saved = Path(self.trained_agent).parent / self.env_name / "vecnormalize.pkl"
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
            folders.append(Path(self.save_path))

    with (
        _known_algorithms(),
        patch.object(sys, "argv", ["sb3_ecom train", *arguments]),
        patch.object(script, "ExperimentManager", Experiments),
    ):
        script.train()
    return folders[0] if folders else None


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
