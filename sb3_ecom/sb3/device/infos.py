"""Infos for callbacks as SB3 gives them, fetched from the device only when read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import torch
from torch import Tensor

from sb3_ecom.core.arrays import Array

Info = dict[str, Any]


class LazyInfos(Sequence[Info]):
    """A step's infos, fetched from the device when they are first read.

    Args:
        fetch: returns the infos of the step.
        num_envs: their number, known without fetching.
    """

    def __init__(self, fetch: Callable[[], list[Info]], num_envs: int) -> None:
        self._fetch = fetch
        self._infos: list[Info] | None = None
        self._num_envs = num_envs

    @overload
    def __getitem__(self, index: int) -> Info: ...
    @overload
    def __getitem__(self, index: slice) -> list[Info]: ...
    def __getitem__(self, index: int | slice) -> Info | list[Info]:
        """Return one info or some, fetching the step's the first time."""
        if self._infos is None:
            self._infos = self._fetch()
        return self._infos[index]

    def __len__(self) -> int:
        return self._num_envs


class HostReadable(Tensor):
    """A tensor that NumPy's functions take wherever it lies: SB3's callbacks call them on ``dones``."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """Return the values on the host."""
        values = self.detach().cpu().numpy()
        return values if dtype is None else values.astype(dtype)

    def sum(self, *args: Any, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Return the sum, whether torch asks (``dim``) or NumPy (``axis``, ``out``)."""
        if axis is not None:
            kwargs["dim"] = axis
        return super().sum(*args, dtype=dtype, **kwargs)
