"""VecNormalize on the device."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn
from torch import Tensor

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.loop import Transition
from sb3_ecom.sb3.device.processes import pooled_moments
from sb3_ecom.sb3.device.stats import Tally
from sb3_ecom.sb3.device.vec_env import DeviceVecEnv, to_host


class DeviceMoments:
    """Running mean and variance as tensors, by the rule of SB3's `RunningMeanStd`."""

    def __init__(self, host: RunningMeanStd, device: torch.device) -> None:
        self.mean = torch.as_tensor(host.mean, dtype=torch.float64, device=device).clone()
        self.var = torch.as_tensor(host.var, dtype=torch.float64, device=device).clone()
        self.count = torch.as_tensor(host.count, dtype=torch.float64, device=device).clone()

    def update(self, batch: Tensor) -> None:
        """Take in the rows of a batch (n, ...), of all processes that train together."""
        size, mean, var = pooled_moments(batch)
        total = self.count + size
        shift = mean - self.mean
        spread = self.var * self.count + var * size + shift.square() * self.count * size / total
        self.mean = self.mean + shift * size / total
        self.var = spread / total
        self.count = total

    def to_host(self) -> RunningMeanStd:
        """Return SB3's object with the same numbers."""
        host = RunningMeanStd()
        host.mean, host.var = self.mean.cpu().numpy().copy(), self.var.cpu().numpy().copy()
        host.count = float(self.count)
        return host


class DeviceVecNormalize(VecNormalize):
    """SB3's VecNormalize with its statistics on the device of a `DeviceVecEnv`.

    `obs_rms` and `ret_rms` read and set SB3's objects, so that `EvalCallback` can copy them to its
    evaluation env; `save` writes SB3's `VecNormalize`, which `VecNormalize.load` and `rl_zoo3.enjoy` read.

    Args:
        venv: of `make_device_env`.
        **kwargs: as for `VecNormalize`: training, norm_obs, norm_reward, clip_obs, clip_reward, gamma,
            epsilon.

    Raises:
        ValueError: if `venv` is no DeviceVecEnv.
    """

    returns: Tensor  # type: ignore[assignment]

    def __init__(self, venv: DeviceVecEnv, **kwargs: Any) -> None:
        if not isinstance(venv, DeviceVecEnv):
            raise ValueError(
                f"DeviceVecNormalize needs an environment of make_device_env, got {type(venv).__name__}"
            )
        self.device = venv.device
        self.obs_rms = RunningMeanStd(
            shape=venv.observation_space.shape or ()
        )  # there with norm_obs=False, too
        super().__init__(venv, **kwargs)
        self.returns = torch.zeros(self.num_envs, device=self.device)

    @property
    def obs_rms(self) -> Any:
        """Statistics of the observations, fetched from the device."""
        return self._obs_moments.to_host()

    @obs_rms.setter
    def obs_rms(self, host: Any) -> None:
        self._obs_moments = DeviceMoments(host, self.device)

    @property
    def ret_rms(self) -> Any:
        """Statistics of the discounted returns, fetched from the device."""
        return self._ret_moments.to_host()

    @ret_rms.setter
    def ret_rms(self, host: Any) -> None:
        self._ret_moments = DeviceMoments(host, self.device)

    def reset_tensors(self) -> Tensor:
        """Start n new episodes; return (n, d) normalised observations."""
        observation = cast(DeviceVecEnv, self.venv).reset_tensors()
        self.returns.zero_()
        return self._normalised(observation, update=self.training)

    def step_tensors(self, actions: Tensor) -> Transition:
        """Advance every copy; observations and rewards of the Transition are normalised."""
        step = cast(DeviceVecEnv, self.venv).step_tensors(actions)
        self._raw = step
        observation = self._normalised(step.observation, update=self.training)
        if self.training:
            self.returns = self.returns * self.gamma + step.reward
            self._ret_moments.update(self.returns)
            self.returns = self.returns * ~(step.terminated | step.truncated)
        return step._replace(
            observation=observation,
            reward=self._normalised_reward(step.reward),
            final_observation=self._normalised(step.final_observation, update=False),
        )

    def read_tally(self) -> Tally:
        """Fetch the sums of raw rewards and counters since the last reading."""
        return cast(DeviceVecEnv, self.venv).read_tally()

    def infos_of(self, step: Transition) -> list[dict[str, Any]]:
        """Fetch a step from the device as SB3's infos."""
        return cast(DeviceVecEnv, self.venv).infos_of(step)

    def reset(self) -> Array:
        """Start n new episodes; return (n, d) normalised observations as NumPy."""
        return self.reset_tensors().cpu().numpy()

    def step_async(self, actions: Array) -> None:
        """Keep the (n, ...) actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step, NumPy in and out."""
        step = self.step_tensors(torch.as_tensor(np.asarray(self._actions)).to(self.device))
        infos = self.infos_of(step)
        host = to_host(step)
        return host.observation, host.reward, host.terminated | host.truncated, infos

    def get_original_obs(self) -> Array:
        """Return the last raw observations, (n, d)."""
        return self._raw_observation.cpu().numpy()

    def get_original_reward(self) -> Array:
        """Return the last raw rewards, (n,)."""
        return self._raw.reward.cpu().numpy()

    def save(self, save_path: str) -> None:
        """Write SB3's own VecNormalize with these statistics."""
        twin = VecNormalize.__new__(VecNormalize)
        shared = {key: value for key, value in self.__dict__.items() if key not in _OURS}
        twin.__dict__.update(shared)
        twin.__dict__.update(venv=None, class_attributes={}, returns=None, ret_rms=self.ret_rms)
        twin.old_obs, twin.old_reward = np.zeros(0), np.zeros(0)
        if self.norm_obs:
            twin.obs_rms = self.obs_rms
        write_whole(Path(save_path), pickle.dumps(twin))

    @staticmethod
    def load(load_path: str, venv: Any) -> DeviceVecNormalize:
        """Read a file of `VecNormalize.save` or of this class's."""
        host = VecNormalize.load(load_path, venv)
        names = ("training", "norm_obs", "norm_reward", "clip_obs", "clip_reward", "gamma", "epsilon")
        twin = DeviceVecNormalize(venv, **{name: getattr(host, name) for name in names})
        twin.ret_rms = host.ret_rms
        if host.norm_obs:
            twin.obs_rms = host.obs_rms
        return twin

    def _normalised(self, observation: Tensor, *, update: bool) -> Tensor:
        if update:
            self._raw_observation = observation
        if not self.norm_obs:
            return observation
        moments = self._obs_moments
        if update:
            moments.update(observation)
        scaled = (observation - moments.mean) / torch.sqrt(moments.var + self.epsilon)
        return scaled.clamp(-self.clip_obs, self.clip_obs).float()

    def _normalised_reward(self, reward: Tensor) -> Tensor:
        if not self.norm_reward:
            return reward
        scaled = reward / torch.sqrt(self._ret_moments.var + self.epsilon)
        return scaled.clamp(-self.clip_reward, self.clip_reward).float()


_OURS = frozenset(
    "device returns venv class_attributes _obs_moments _ret_moments _raw _raw_observation _actions".split()
)
