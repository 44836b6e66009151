"""A rollout buffer whose arrays are tensors on the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor

from sb3_ecom.core.arrays import Array
from sb3_ecom.sb3.device.processes import standardised


class DeviceRolloutBuffer(RolloutBuffer):
    """SB3's RolloutBuffer on tensors: what comes in stays where it is.

    The tensors are allocated once and written over in every rollout. On the CPU minibatches are those of
    SB3's buffer under the same NumPy seed; on a GPU the permutation is drawn there.

    Args:
        *args: as for `RolloutBuffer`: buffer_size, observation_space, action_space.
        **kwargs: as for `RolloutBuffer`: device, gae_lambda, gamma, n_envs.

    Attributes:
        columns: name -> (steps, n, ...) float32 tensor on the device.
        standardise: standardise each minibatch's advantages over all processes that train together.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.columns: dict[str, Tensor] = {}
        self.standardise = False
        super().__init__(*args, **kwargs)

    def reset(self) -> None:
        """Forget the rollout; the memory is kept."""
        if not self.columns:
            shapes = {"observations": self.obs_shape, "actions": (self.action_dim,)}
            shapes |= dict.fromkeys(_SCALARS, ())
            for name, shape in shapes.items():
                size = (self.buffer_size, self.n_envs, *shape)
                self.columns[name] = torch.zeros(size, dtype=torch.float32, device=self.device)
        self.pos = 0
        self.full = False

    def add(  # type: ignore[override]
        self,
        obs: Tensor,
        action: Tensor,
        reward: Tensor,
        episode_start: Tensor,
        value: Tensor,
        log_prob: Tensor,
    ) -> None:
        """Write one step of all copies; integers and booleans become float32, as SB3's update takes them."""
        n, pos, columns = self.n_envs, self.pos, self.columns
        columns["observations"][pos].copy_(obs.reshape(n, *self.obs_shape))
        columns["actions"][pos].copy_(action.reshape(n, self.action_dim))
        columns["rewards"][pos].copy_(reward)
        columns["episode_starts"][pos].copy_(episode_start)
        columns["values"][pos].copy_(value.flatten())
        columns["log_probs"][pos].copy_(log_prob.flatten())
        self.pos += 1
        self.full = self.pos == self.buffer_size

    def compute_returns_and_advantage(self, last_values: Tensor, dones: Tensor) -> None:  # type: ignore[override]
        """Fill advantages and returns by GAE(lambda).

        Args:
            last_values: (n,) or (n, 1) values of the observations after the last step.
            dones: (n,) whether the last step ended an episode.

        Source: Schulman et al. (2016), equation 16.
        """
        rewards, values, starts = (self.columns[name] for name in ("rewards", "values", "episode_starts"))
        continue_prob = torch.cat([1.0 - starts[1:], 1.0 - dones.float()[None]])
        following = torch.cat([values[1:], last_values.detach().float().reshape(1, -1)])
        deltas = rewards + self.gamma * following * continue_prob - values
        decay = self.gamma * self.gae_lambda * continue_prob
        advantages = self.columns["advantages"]
        running = torch.zeros_like(deltas[0])
        for step in range(self.buffer_size - 1, -1, -1):
            running = torch.addcmul(deltas[step], decay[step], running, out=advantages[step])
        torch.add(advantages, values, out=self.columns["returns"])

    def get(self, batch_size: int | None = None) -> Iterator[RolloutBufferSamples]:  # type: ignore[override]
        """Yield minibatches of a random order, as tensors on the device.

        Raises:
            RuntimeError: if the rollout is not complete.
        """
        if not self.full:
            raise RuntimeError(
                f"the rollout buffer holds {self.pos} of {self.buffer_size} steps: collect first"
            )
        flat = {name: column.flatten(0, 1) for name, column in self.columns.items()}
        order = self._permutation()
        size = len(order) if batch_size is None else batch_size
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            sampled = {name: flat[name].index_select(0, rows) for name in _SAMPLED}
            if self.standardise:
                sampled["advantages"] = standardised(sampled["advantages"])
            yield RolloutBufferSamples(*sampled.values())

    def _permutation(self) -> Tensor:
        """Return the rows (step * n + copy) of an epoch in random order."""
        total = self.buffer_size * self.n_envs
        if self.device.type != "cpu":
            return torch.randperm(total, device=self.device)
        order = np.random.permutation(total)  # noqa: NPY002 - SB3's own stream: `seed` fixes it
        return torch.from_numpy((order % self.buffer_size) * self.n_envs + order // self.buffer_size)

    def _host(self, name: str) -> Array:
        """Return a column as SB3's code reads it after `get`: NumPy, (n * steps, 1), copy by copy."""
        return self.columns[name].T.reshape(-1, 1).cpu().numpy()

    @property
    def values(self) -> Array:  # type: ignore[override]
        """Values on the host, (n * steps, 1): SB3's update computes the explained variance from them."""
        return self._host("values")

    @property
    def returns(self) -> Array:  # type: ignore[override]
        """Returns on the host, (n * steps, 1)."""
        return self._host("returns")


_SCALARS = ("rewards", "episode_starts", "values", "log_probs", "advantages", "returns")
_SAMPLED = ("observations", "actions", "values", "log_probs", "advantages", "returns")
