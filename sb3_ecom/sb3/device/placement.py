"""Checks of the environment and the device that a device algorithm is given."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from stable_baselines3.common.vec_env import VecEnvWrapper

from sb3_ecom.sb3.device.vec_env import DeviceVecEnv


@runtime_checkable
class StepsTensors(Protocol):
    """A VecEnvWrapper that passes tensors on."""

    def step_tensors(self, actions: Any) -> Any:
        """Advance every copy by one step; everything stays on the device."""


def device_env(env: Any, name: str) -> DeviceVecEnv:
    """Return the DeviceVecEnv under wrappers that pass tensors on.

    Raises:
        ValueError: if it is something else, or a wrapper would fetch every step from the device.
    """
    inner = env
    while isinstance(inner, VecEnvWrapper):
        if not issubclass(type(inner), StepsTensors):  # of the class: wrappers forward attributes
            raise ValueError(
                f"{name} cannot step through {type(inner).__name__}, which works on NumPy arrays: remove it "
                "(its device twin, where there is one, is in sb3_ecom.sb3.device), or use SB3's own class"
            )
        inner = inner.venv
    if not isinstance(inner, DeviceVecEnv):
        raise ValueError(
            f"{name} needs an environment of make_device_env(id, n), got {type(inner).__name__}: gym "
            "wrappers and other VecEnvs step on the host; build it without them, or use SB3's own class"
        )
    return inner


def common_device(env: DeviceVecEnv, device: torch.device | str) -> torch.device:
    """Return the environment's device.

    Raises:
        ValueError: if another one is asked for.
    """
    wanted = env.device if str(device) == "auto" else torch.device(device)
    if wanted.type != env.device.type or (wanted.index or 0) != (env.device.index or 0):
        raise ValueError(
            f"device must be the environment's, {env.device}, got {device}: leave it out, or build the "
            f"environment with make_device_env(..., device={str(device)!r})"
        )
    return env.device
