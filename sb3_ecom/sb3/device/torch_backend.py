"""The torch twin of `NumpyBackend`: noise drawn where the tensors live, and no answer asked of the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sb3_ecom.core.arrays import check_seed

_MASK = 2**63 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # spreads consecutive keys over all bits (splitmix64's increment)


class TorchBackend:
    """Tensors on one device and a generator of that device.

    Draws depend on the seed, the device type and the number of copies, not on NumPy's streams: the same
    seed gives other customers than `NumpyBackend` does, from the same law.

    Args:
        device: where the tensors live.
        generator: source of the draws; None makes one.
    """

    gathers = False
    host_draws = True  # whether NumPy draws the uniforms of a CPU: nearly twice as fast as torch's generator
    _host: np.random.Generator | None = None

    def __init__(self, device: torch.device, generator: torch.Generator | None = None) -> None:
        self.device = device
        self.generator = generator if generator is not None else torch.Generator(device)
        self._key = 0
        self._child: TorchBackend | None = None

    def seed(self, seed: int | None) -> int:
        """Restart the stream; return the seed used."""
        used = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else check_seed(seed)
        stream, key = np.random.SeedSequence(used).generate_state(2, np.uint64)
        self._restart(int(stream) & _MASK)
        self._key = int(key)
        return used

    def spawn(self, key: int) -> TorchBackend:
        """Return a source keyed by the seed and `key` only; it lives until the next `spawn`."""
        if self._child is None:
            self._child = TorchBackend(self.device)
        self._child._restart((self._key + key * _GOLDEN) & _MASK)
        return self._child

    def asarray(self, values: Any) -> Tensor:
        """Return `values` as a tensor on the device, floats as float32."""
        tensor = torch.as_tensor(np.ascontiguousarray(values), device="cpu")
        if tensor.is_floating_point():
            tensor = tensor.float()
        return tensor.to(self.device, copy=True)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Draw U[0, 1)."""
        if self._host is not None:
            return torch.from_numpy(self._host.random(tuple(shape), dtype=np.float32))
        return torch.rand(tuple(shape), generator=self.generator, device=self.device)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Draw N(0, 1)."""
        return torch.randn(tuple(shape), generator=self.generator, device=self.device)

    def gamma(self, shape_parameter: Tensor | float, shape: Sequence[int]) -> Tensor:
        """Draw Gamma(shape_parameter, scale 1)."""
        return torch._standard_gamma(self._spread(shape_parameter, shape), generator=self.generator)

    def poisson(self, mean: Tensor | float, shape: Sequence[int]) -> Tensor:
        """Draw Poisson(mean) as int64."""
        return torch.poisson(self._spread(mean, shape), generator=self.generator).long()

    def _restart(self, seed: int) -> None:
        self.generator.manual_seed(seed)
        if self.host_draws and self.device.type == "cpu":
            self._host = np.random.default_rng(seed)

    def _spread(self, parameter: Tensor | float, shape: Sequence[int]) -> Tensor:
        if isinstance(parameter, Tensor):
            return parameter.float().expand(tuple(shape)).contiguous()
        if isinstance(parameter, np.ndarray):
            return self.asarray(parameter).expand(tuple(shape)).contiguous()
        return torch.full(tuple(shape), float(parameter), device=self.device)
