"""Entry points for rl-zoo: the folder of configurations, and a natively batched VecEnv class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.zoo_configs import zoo_configs
from sb3_ecom.sb3.episode_log import EpisodeLog
from sb3_ecom.sb3.vec_env import EcomVecEnv

EnvFunction = Callable[[], gymnasium.Env[Any, Any]]

_BATCHED = (Monitor, OrderEnforcing, PassiveEnvChecker)  # wrappers whose work the batch does itself


def config_path(algo: str) -> Path:
    """Return the path of our rl-zoo configuration for an algorithm, e.g. ``ppo``.

    Raises:
        ValueError: if there is none; lists those there are.
    """
    configs = zoo_configs()
    check_choice("algo", algo, configs)
    return configs[algo]


def batched_vec_env(env_fns: Sequence[EnvFunction], **kwargs: Any) -> VecEnv:
    """Build what rl-zoo asks of a VecEnv class: one natively batched VecEnv where that can be.

    The first function is called once, as a probe. If it gives one of our environments under no other
    wrappers than SB3's and gymnasium's own, its task becomes the batch, and its Monitor file the batch's.
    Anything else (another package's id, an `env_wrapper`, a human window) becomes a DummyVecEnv.

    Args:
        env_fns: one function per copy; rl-zoo makes them all alike.
        **kwargs: of the EcomVecEnv (`stagger`); a DummyVecEnv gets none.
    """
    probe = env_fns[0]()
    env = probe.unwrapped
    wrappers = _wrappers(probe)
    if not isinstance(env, EcomEnv) or any(type(wrapper) not in _BATCHED for wrapper in wrappers):
        return DummyVecEnv([lambda: probe, *env_fns[1:]])
    return EcomVecEnv(
        env.task,
        len(env_fns),
        env_id=None if probe.spec is None else probe.spec.id,
        render_mode=env.render_mode,
        log=_take_log(wrappers),
        **kwargs,
    )


def _wrappers(env: gymnasium.Env[Any, Any]) -> list[gymnasium.Wrapper[Any, Any, Any, Any]]:
    found = []
    while isinstance(env, gymnasium.Wrapper):
        found.append(env)
        env = env.env
    return found


def _take_log(wrappers: Sequence[Any]) -> EpisodeLog:
    """Take over the file that the probe's Monitor opened."""
    for wrapper in wrappers:
        if isinstance(wrapper, Monitor):
            return EpisodeLog(wrapper.results_writer, wrapper.info_keywords)
    return EpisodeLog()
