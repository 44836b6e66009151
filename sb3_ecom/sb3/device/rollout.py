"""The rollout of an on-policy algorithm that never leaves the device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from sb3_ecom.core.loop import Transition
from sb3_ecom.sb3.device.buffer import DeviceRolloutBuffer
from sb3_ecom.sb3.device.distributions import device_twin
from sb3_ecom.sb3.device.errors import explain_out_of_memory
from sb3_ecom.sb3.device.infos import HostReadable, LazyInfos
from sb3_ecom.sb3.device.placement import common_device, device_env
from sb3_ecom.sb3.device.processes import (
    all_agree,
    average_gradients,
    broadcast,
    process_count,
    share_of,
)
from sb3_ecom.sb3.device.timeouts import Timeouts


class DeviceRollouts(OnPolicyAlgorithm):
    """Mixin before an SB3 on-policy algorithm: rollout and buffer on the device, the update inherited.

    Callbacks see SB3's local variables, with tensors for `obs_tensor`, `actions`, `rewards`, `dones`,
    `values`, `log_probs` and `new_obs`. `infos` is fetched from the device only if a callback reads it.
    ``rollout/ep_rew_mean`` and ``rollout/ep_len_mean`` are means over the episodes of the last rollouts
    that filled `stats_window_size`: sums accumulate on the device and are read once a rollout.

    Several processes (``torch.distributed.run -m sb3_ecom train --algo ppo_device``) train one model: each
    has its own copies, `batch_size` is that of all together, `num_timesteps` counts the steps of all, and
    the logger shows the episodes of process 0.

    Args:
        policy: as SB3's.
        env: of `make_device_env`, under a `DeviceVecNormalize` or not; None to load a model for `predict`.
        *args: as the algorithm's.
        device: "auto" (the environment's) or the environment's.
        compile_policy: run the policy through torch.compile. Off: it costs half a minute at the start and
            gave 17% on a CPU (MLP 64x64, batch 8192), so it pays in runs of several minutes.
        **kwargs: as the algorithm's.

    Raises:
        ValueError: if `env` is anything else, or its device another.
    """

    values_timeouts_in_batch = True  # `BatchedTimeoutBootstrap` has nothing left to do
    rollout_buffer: DeviceRolloutBuffer
    _last_obs: Tensor  # type: ignore[assignment]
    _last_episode_starts: Tensor  # type: ignore[assignment]
    _bounds: tuple[Tensor, Tensor]  # of Box actions
    _places: tuple[tuple[int, int], Timeouts] | None

    def __init__(
        self,
        policy: Any,
        env: Any,
        *args: Any,
        device: torch.device | str = "auto",
        compile_policy: bool = False,
        **kwargs: Any,
    ) -> None:
        self.compile_policy = compile_policy
        if env is not None:
            device = common_device(device_env(env, type(self).__name__), device)
        super().__init__(policy, env, *args, device=device, **kwargs)  # type: ignore[misc]

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
    ) -> bool:
        """Run the policy for `n_rollout_steps` steps of every copy; return False if a callback stopped it.

        Raises:
            ValueError: if the policy's outputs are not finite.
            torch.OutOfMemoryError: if they do not fit.
        """
        sizes = f"num_envs={env.num_envs}, n_steps={n_rollout_steps}"
        with torch.no_grad(), self._memory("the rollout", sizes):
            self.policy.set_training_mode(False)
            rollout_buffer.reset()
            if self.use_sde:
                self.policy.reset_noise(env.num_envs)
            callback.on_rollout_start()
            timeouts = self._timeouts(env, n_rollout_steps)
            running = True
            for step in range(n_rollout_steps):
                running = self._step(env, callback, step, timeouts) and running
                # Several processes step on until all know: each step of one waits for the others'.
                if not running and process_count() == 1:
                    return False
            if not all_agree(running, self.device):
                return False
            self._finish(timeouts)
        self._read_once(env)
        callback.update_locals({"n_steps": n_rollout_steps})
        callback.on_rollout_end()
        return True

    def train(self) -> None:
        """Update the policy as the algorithm does; of several processes, by the mean of their gradients."""
        with self._memory("the update", f"batch_size={getattr(self, 'batch_size', 'the whole rollout')}"):
            if process_count() == 1:
                super().train()
                return
            with self._shared_update():
                super().train()

    @contextmanager
    def _shared_update(self) -> Iterator[None]:
        """Let SB3's update take this process's part of each minibatch, standardised over all of them."""
        # A2C has no batch_size: one minibatch, its whole rollout.
        mine = {"batch_size": share_of("batch_size", self.batch_size)} if hasattr(self, "batch_size") else {}
        buffer = self.rollout_buffer
        buffer.standardise = bool(self.normalize_advantage)  # type: ignore[attr-defined]
        settings = {**mine, "normalize_advantage": False}
        former = {name: getattr(self, name) for name in settings}
        self.__dict__.update(settings)
        try:
            yield
        finally:
            buffer.standardise = False
            self.__dict__.update(former)

    def _step(self, env: Any, callback: BaseCallback, step: int, timeouts: Timeouts) -> bool:
        """Act once in every copy and write it down; False if the callback says stop."""
        if self.use_sde and self.sde_sample_freq > 0 and step % self.sde_sample_freq == 0:
            self.policy.reset_noise(env.num_envs)
        observation = self._last_obs
        actions, values, log_probs = self.policy(observation)
        given = self._within_bounds(actions)
        transition: Transition = env.step_tensors(given)
        dones = transition.terminated | transition.truncated
        self.num_timesteps += env.num_envs * process_count()
        callback.update_locals(
            {
                "self": self, "env": env, "callback": callback, "rollout_buffer": self.rollout_buffer,
                "n_steps": step, "obs_tensor": observation, "actions": actions, "values": values,
                "log_probs": log_probs, "clipped_actions": given, "new_obs": transition.observation,
                "rewards": transition.reward, "dones": dones.as_subclass(HostReadable),
                "infos": LazyInfos(lambda: env.infos_of(transition), env.num_envs),
            }
        )  # fmt: skip
        if not callback.on_step():
            return False
        timeouts.add(step, transition)
        starts = self._last_episode_starts
        self.rollout_buffer.add(observation, actions, transition.reward, starts, values, log_probs)
        self._last_obs = transition.observation
        self._last_episode_starts = dones
        return True

    def _within_bounds(self, actions: Tensor) -> Tensor:
        """Return what the environment is given: Box actions cut to (or stretched over) their bounds."""
        if not isinstance(self.action_space, spaces.Box):
            return actions
        low, high = self._bounds
        if self.policy.squash_output:
            return low + 0.5 * (actions + 1.0) * (high - low)
        return torch.clamp(actions, low, high)

    def _finish(self, timeouts: Timeouts) -> None:
        """Bootstrap what was cut by the horizon or by the rollout's end, and compute the advantages."""
        buffer = self.rollout_buffer
        timeouts.add_to(buffer.columns["rewards"], self.gamma, self.policy.predict_values)
        last_values = self.policy.predict_values(self._last_obs)
        buffer.compute_returns_and_advantage(last_values, self._last_episode_starts)

    def _timeouts(self, env: Any, n_rollout_steps: int) -> Timeouts:
        """Bring the last observation to the device (after a reset) and return the empty places."""
        if not isinstance(self._last_obs, Tensor):
            self._last_obs = torch.as_tensor(self._last_obs, device=self.device)
            self._last_episode_starts = torch.ones(env.num_envs, dtype=torch.bool, device=self.device)
        key = (env.num_envs, n_rollout_steps)
        if self._places is None or self._places[0] != key:
            horizon = device_env(env, type(self).__name__).task.horizon
            self._places = key, Timeouts(n_rollout_steps, horizon, self._last_obs)
        self._places[1].clear()
        return self._places[1]

    def _read_once(self, env: Any) -> None:
        """Wait for the device, once a rollout: are the numbers finite, and how did the episodes go?"""
        columns = self.rollout_buffer.columns
        if not torch.isfinite(columns["log_probs"].sum() + columns["advantages"].sum()):
            raise ValueError(
                "the policy gave values or log-probabilities that are not finite: lower learning_rate, "
                "or normalise rewards and observations (DeviceVecNormalize)"
            )
        stats = env.read_tally()
        if stats.episodes:
            mean = {
                "r": stats.totals["reward"] / stats.episodes,
                "l": stats.totals["length"] / stats.episodes,
            }
            mean["t"] = round(time.time() - self.start_time / 1e9, 6)
            self.ep_info_buffer.extend([mean] * min(stats.episodes, self._stats_window_size))  # type: ignore[union-attr]

    def _setup_model(self) -> None:
        self._places = None
        if isinstance(self.action_space, spaces.Box):
            low, high = self.action_space.low, self.action_space.high
            self._bounds = torch.as_tensor(low, device=self.device), torch.as_tensor(high, device=self.device)
        if self.rollout_buffer_class in (None, RolloutBuffer):
            self.rollout_buffer_class = DeviceRolloutBuffer
        with self._memory("the rollout buffer", f"num_envs={self.n_envs}, n_steps={self.n_steps}"):
            super()._setup_model()
        self.policy.action_dist = device_twin(self.policy.action_dist)
        if process_count() > 1:
            self._join()
        if self.compile_policy:
            self.policy.forward = torch.compile(self.policy.forward)  # type: ignore[method-assign]
            self.policy.evaluate_actions = torch.compile(  # type: ignore[method-assign]
                self.policy.evaluate_actions
            )

    def _join(self) -> None:
        """Begin with the network of process 0, and average the gradients from now on."""
        if getattr(self, "target_kl", None) is not None:
            raise ValueError(
                f"target_kl must be None where {process_count()} processes train together: each would stop "
                f"its update by its own minibatches; got {self.target_kl}"  # type: ignore[attr-defined]
            )
        broadcast(self.policy)
        average_gradients(self.policy)

    def _excluded_save_params(self) -> list[str]:
        # Tensors of a device and classes of ours stay out of the file, so that SB3's own class can load it.
        ours = ["_last_obs", "_last_episode_starts", "_bounds", "_places"]
        ours += ["rollout_buffer_class", "compile_policy"]
        return [*super()._excluded_save_params(), *ours]

    def _maybe_recommend_cpu(self, mlp_class_name: str = "ActorCriticPolicy") -> None:
        """Say nothing: SB3's advice against a GPU is about rollouts in NumPy."""

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        device_env(env, "a device algorithm")
        return env  # type: ignore[no-any-return]

    def _memory(self, doing: str, sizes: str) -> AbstractContextManager[None]:
        return nullcontext() if self.device.type == "cpu" else explain_out_of_memory(doing, sizes)
