"""A VecEnv whose copies live on a device."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn
from torch import Tensor

from sb3_ecom.core.actions import check_actions
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.registry import spec
from sb3_ecom.core.spaces import items_of
from sb3_ecom.core.task import Task
from sb3_ecom.sb3.device.errors import check_device, explain_out_of_memory
from sb3_ecom.sb3.device.stats import DeviceStats, Tally
from sb3_ecom.sb3.device.torch_backend import TorchBackend
from sb3_ecom.sb3.vec_env import EcomVecEnv


class DeviceVecEnv(EcomVecEnv):
    """n copies of a task on torch tensors.

    It has two interfaces. `reset_tensors` and `step_tensors` take and give tensors on `device` and never make
    the host wait; `DevicePPO` uses them. The usual `reset` and `step` speak NumPy, so that every tool of
    SB3 works on it as on an `EcomVecEnv`, only slower. Actions that come as tensors are not checked: a
    check would have to read them.

    Args:
        task: what to simulate.
        num_envs: copies, >= 1.
        device: of the tensors: "cpu", "cuda", "cuda:<i>" or "auto".
        env_id: id found by `get_attr("spec")`.
        stagger: spread the first truncation of the copies over the horizon.

    Attributes:
        device: of the tensors.
        stats: what `read_tally` gave last: sums of the last rollout.

    Raises:
        ValueError: on `num_envs` < 1 or a device that is not there.
        torch.OutOfMemoryError: if the copies do not fit.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        device: torch.device | str = "cpu",
        *,
        env_id: str | None = None,
        stagger: bool = False,
    ) -> None:
        self.device = check_device(device)
        super().__init__(task, num_envs, env_id=env_id)
        self.loop = StepLoop(task, num_envs, TorchBackend(self.device), stagger=stagger)
        self.task = self.loop.task
        self._sums = DeviceStats(_catalogue_size(task))
        self.stats: Tally | None = None

    def reset_tensors(self) -> Tensor:
        """Start n new episodes; return (n, d) observations."""
        with self._place(), self._memory():
            observation: Tensor = self.loop.reset(self._seeds[0])
        self.last = None
        self._sums.read()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_tensors(self, actions: Tensor) -> Transition:
        """Advance every copy; fields of the Transition are tensors of all n copies, `rows` is None."""
        with self._place(), self._memory():
            step = self.loop.step(actions)
            self._sums.add(step)
        return step

    def read_tally(self) -> Tally:
        """Fetch the sums since the last reading, keep them as `stats` and start anew: one wait."""
        self.stats = self._sums.read()
        return self.stats

    def infos_of(self, step: Transition) -> list[dict[str, Any]]:
        """Fetch a step from the device as the infos that an `EcomVecEnv` would have given."""
        return self._infos(to_host(step))

    def reset(self) -> Array:
        """Start n new episodes; return (n, d) observations as NumPy."""
        return self.reset_tensors().cpu().numpy()

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step, NumPy in and out."""
        actions = check_actions(self.action_space, self._actions, self.num_envs)
        self.last = to_host(self.step_tensors(torch.as_tensor(actions).to(self.device)))
        done = self.last.terminated | self.last.truncated
        return self.last.observation, self.last.reward.astype(np.float32), done, self._infos(self.last)

    def get_images(self) -> Sequence[Array | None]:
        """Return no pictures: they are drawn by the NumPy environment."""
        return [None] * self.num_envs

    def _infos(self, step: Transition) -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False}] * self.num_envs
        for row, info in zip(step.rows.tolist(), self._final_infos(step), strict=True):
            infos[row] = info
        return infos

    def _action_masks(self) -> Array:
        return super()._action_masks().cpu().numpy()

    def _place(self) -> AbstractContextManager[Any]:
        # New tensors of the task (zeros, arange) must be born on the device. The context costs a Python
        # call per torch function, so the CPU, where they are born anyway, goes without.
        return nullcontext() if self.device.type == "cpu" else self.device

    def _memory(self) -> AbstractContextManager[None]:
        if self.device.type == "cpu":
            return nullcontext()
        return explain_out_of_memory("the simulation", f"num_envs={self.num_envs}")


def make_device_env(
    env_id: str,
    n_envs: int = 1,
    seed: int | None = None,
    *,
    device: torch.device | str = "auto",
    stagger: bool = False,
    **env_kwargs: Any,
) -> DeviceVecEnv:
    """Build a VecEnv of one of our ids that simulates on a device.

    Args:
        env_id: a registered id.
        n_envs: copies, >= 1; a GPU wants 1,000 to 64,000.
        seed: of the batch, >= 0; None draws one.
        device: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:<i>".
        stagger: spread the first truncation of the copies over the horizon.
        **env_kwargs: as for ``gymnasium.make(env_id, ...)``.

    Raises:
        ValueError: on an unknown id, an id whose task does not run on tensors, or a device that is not there.
        torch.OutOfMemoryError: if the copies do not fit.
    """
    task = spec(env_id).make_task(**env_kwargs)
    venv = DeviceVecEnv(task, n_envs, device, env_id=env_id, stagger=stagger)
    _probe(task, venv.device, env_id)
    venv.seed(seed)
    return venv


def to_host(step: Transition) -> Transition:
    """Fetch a step of all rows and return it in NumPy, its last three fields cut to the rows that ended."""

    def fetch(values: dict[str, Array]) -> dict[str, Array]:
        return {name: value.cpu().numpy() for name, value in values.items()}

    terminated, truncated = step.terminated.cpu().numpy(), step.truncated.cpu().numpy()
    rows = np.flatnonzero(terminated | truncated)
    return Transition(
        observation=step.observation.cpu().numpy(),
        reward=step.reward.cpu().numpy(),
        terminated=terminated,
        truncated=truncated,
        terms=fetch(step.terms),
        step_info=fetch(step.step_info),
        rows=rows,
        final_observation=step.final_observation.cpu().numpy()[rows],
        totals={name: total[rows] for name, total in fetch(step.totals).items()},
    )


def _catalogue_size(task: Task) -> int:
    items = items_of(task.observation_space)
    if items is not None:
        return len(items.log_popularity)
    if isinstance(task.action_space, spaces.MultiDiscrete):
        return int(task.action_space.nvec.max())
    return 0


def _probe(task: Task, device: torch.device, env_id: str) -> None:
    """Try two copies for one step, so that a task that does not run on tensors says so before training."""
    try:
        trial = DeviceVecEnv(task, 2, device)
        _must_be_tensor("observe", trial.reset_tensors(), device)
        action = batch_space(task.action_space, 2).sample()
        step = trial.step_tensors(torch.as_tensor(action).to(device))
        _must_be_tensor("observe", step.observation, device)
        _must_be_tensor("reward", step.reward, device)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise ValueError(
            f"{env_id} has no torch backend, its task does not run on tensors of {device} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}): train it with "
            f"make_vec_env({env_id!r}, n) and SB3's own PPO"
        ) from error


def _must_be_tensor(name: str, value: Any, device: torch.device) -> None:
    if not isinstance(value, Tensor) or value.device.type != device.type:
        raise TypeError(f"{name} gives {type(value).__name__}, not a tensor on {device}")
