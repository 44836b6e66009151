"""Errors of device training, each in one sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def check_device(device: torch.device | str) -> torch.device:
    """Return the device, "auto" as CUDA where there is one and the CPU elsewhere.

    Raises:
        ValueError: if the name is unknown, or a CUDA device is asked for that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be 'cpu', 'cuda', 'cuda:<i>' or 'auto', got {device!r}") from error
    if found.type != "cuda":
        return found
    if not torch.cuda.is_available():
        raise ValueError(
            f"device {device!r} asks for a GPU but torch {torch.__version__} finds no CUDA here: "
            "install a CUDA build of torch on a machine with an NVIDIA GPU, or pass device='cpu'"
        )
    count = torch.cuda.device_count()
    if found.index is not None and found.index >= count:
        raise ValueError(
            f"device must be one of the {count} GPUs here (cuda:0 to cuda:{count - 1}), got {device!r}"
        )
    return found


@contextmanager
def explain_out_of_memory(doing: str, sizes: str) -> Iterator[None]:
    """Tell which sizes to lower when the device's memory does not hold them.

    Raises:
        torch.OutOfMemoryError: torch's own error, with the sizes and the way out in front.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise torch.OutOfMemoryError(
            f"the GPU's memory does not hold {doing} with {sizes}: halve num_envs, n_steps or batch_size "
            f"({str(error).splitlines()[0]})"
        ) from error
