"""Several processes that train one model, as ``torch.distributed.run`` starts them.

Each process simulates its own copies and holds its own network; gradients, statistics of normalisation and
the decision to stop are averaged over the processes, so that all networks stay the same.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

_launcher: list[Any] = []  # its store, of a process that has joined others


def join_processes(device: torch.device | str = "cpu") -> None:
    """Join the processes that ``torch.distributed.run`` started; a process of its own stays alone.

    Args:
        device: where the networks live; "cuda" processes talk by nccl, others by gloo.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        cuda = torch.device(device).type == "cuda" if device != "auto" else torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        launcher, rank, count = next(rendezvous("env://"))
        _launcher.append(launcher)
        # The launcher's store outlives a restart: without the prefix processes would call upon dead ones.
        store = PrefixStore(f"restart_{restart_count()}", launcher)
        dist.init_process_group("nccl" if cuda else "gloo", store=store, rank=rank, world_size=count)


def restart_count() -> int:
    """Return how often the launcher has started its processes anew."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


def leave_processes() -> None:
    """Leave the group that `join_processes` joined."""
    if dist.is_initialized():
        dist.destroy_process_group()
    _launcher.clear()


def tell_restarts(key: str, text: str) -> None:
    """Leave a text with the launcher, for the processes that it starts should one of these die."""
    for store in _launcher:
        store.set(f"sb3_ecom/{key}", text)


def told_before_restart(key: str) -> str | None:
    """Return what the processes before a restart left with this launcher, None if nothing."""
    for store in _launcher:
        if restart_count() and store.check([f"sb3_ecom/{key}"]):
            return str(store.get(f"sb3_ecom/{key}").decode())
    return None


def process_count() -> int:
    """Return the number of processes that train together, 1 without a group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def process_rank() -> int:
    """Return this process's number, 0 for the one that logs, evaluates and saves."""
    return dist.get_rank() if dist.is_initialized() else 0


def share_of(name: str, total: int) -> int:
    """Return this process's equal share of `total`.

    Raises:
        ValueError: if the processes do not divide it.
    """
    processes = process_count()
    if total % processes:
        raise ValueError(f"{name} must be a multiple of the {processes} processes, got {total}")
    return total // processes


def seed_of_process(seed: int) -> int:
    """Return this process's own seed; that of process 0 is `seed`."""
    rank = process_rank()
    return seed if rank == 0 else int(np.random.SeedSequence([seed, rank]).generate_state(1)[0])


def broadcast(module: nn.Module) -> None:
    """Give every process the parameters and buffers of process 0."""
    for tensor in (*module.parameters(), *module.buffers()):
        dist.broadcast(tensor.detach(), 0)


def average_gradients(module: nn.Module) -> None:
    """Let each `backward` leave the mean of all processes' gradients in the module's parameters.

    A hook of each parameter averages as soon as its gradient is there: before the algorithm clips the norm.
    All processes must use the same parameters in the same order.
    """
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(  # type: ignore[no-untyped-call]
                _average_gradient
            )


def _average_gradient(parameter: Tensor) -> None:
    gradient = parameter.grad
    assert gradient is not None  # the hook runs once it is there
    dist.all_reduce(gradient)
    gradient /= process_count()


def all_agree(agreed: bool, device: torch.device) -> bool:
    """Return whether every process agrees."""
    if process_count() == 1:
        return agreed
    votes = torch.tensor(float(agreed), device=device)
    dist.all_reduce(votes, dist.ReduceOp.MIN)
    return bool(votes.item())


def pooled_moments(batch: Tensor) -> tuple[int, Tensor, Tensor]:
    """Return (rows, mean, biased variance) of the rows of all processes' batches, (n, ...) in float64."""
    batch = batch.double()
    rows = batch.shape[0]
    if process_count() == 1:
        var, mean = torch.var_mean(batch, 0, correction=0)
        return rows, mean, var
    rows *= process_count()
    mean = _summed(batch.sum(0)) / rows
    return rows, mean, _summed((batch - mean).square().sum(0)) / rows


def standardised(advantages: Tensor) -> Tensor:
    """Return advantages less their mean, by their standard deviation, over all processes' minibatches.

    SB3 standardises by the minibatch of one process, which would not be the update of a single process.
    """
    rows, mean, var = pooled_moments(advantages)
    if rows < 2:
        return advantages
    deviation = (var * rows / (rows - 1)).sqrt()
    return ((advantages - mean) / (deviation + 1e-8)).to(advantages.dtype)


def _summed(values: Tensor) -> Tensor:
    dist.all_reduce(values)
    return values
