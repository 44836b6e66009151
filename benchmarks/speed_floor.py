"""Lower bound of a PPO step's time on the hardware: FLOPs over peak, bytes over bandwidth."""

from __future__ import annotations

import statistics
import time
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from sb3_ecom.sb3.device.distributions import device_twin

_FLOAT = 4  # bytes


class Ceiling(NamedTuple):
    """What a device reached on a large product and a large copy."""

    flops: float  # float32 operations/s
    bandwidth: float  # bytes/s, read plus written


class Floor(NamedTuple):
    """The least work of one env-step, rollout and update together."""

    flops: float
    bytes: float

    def seconds(self, ceiling: Ceiling) -> float:
        """Return the larger of the two times, seconds per env-step."""
        return max(self.flops / ceiling.flops, self.bytes / ceiling.bandwidth)


def measure_ceiling(device: torch.device, repeats: int = 5) -> Ceiling:
    """Time a matrix product and a copy on the device, random numbers, median of `repeats`."""
    on_gpu = device.type == "cuda"
    side, length = (8192, 2**29) if on_gpu else (1024, 2**26)
    left, right = (torch.rand(side, side, device=device) for _ in range(2))
    source = torch.rand(length, device=device)
    target = torch.empty_like(source)
    product = _median(lambda: torch.mm(left, right), device, repeats)
    copying = _median(lambda: target.copy_(source), device, repeats)
    return Ceiling(2 * side**3 / product, 2 * length * _FLOAT / copying)


def ppo_floor(model: Any) -> Floor:
    """Count the floats and operations that no implementation of this model's PPO could spare.

    Operations are those of the matrix products, counted on torch's meta device: one forward pass for the
    rollout, and forward and backward in every epoch. Bytes: the rollout is written once and read once an
    epoch; activations and weights are taken to stay on the chip.
    """
    rows = 256
    policy = model.policy_class(model.observation_space, model.action_space, model.lr_schedule)
    policy = policy.to("meta")
    policy.action_dist = device_twin(policy.action_dist)  # SB3's own would ask a meta tensor for its numbers
    space = model.observation_space.shape
    observation = torch.empty((rows, *space), device="meta")
    action = torch.empty((rows, model.rollout_buffer.action_dim), device="meta")
    forward, both = FlopCounterMode(display=False), FlopCounterMode(display=False)
    with forward, torch.no_grad():
        policy.evaluate_actions(observation, action)
    with both:
        values, log_prob, _ = policy.evaluate_actions(observation, action)
        (values.sum() + log_prob.sum()).backward()
    epochs = getattr(model, "n_epochs", 1)
    floats = observation[0].numel() + action[0].numel() + 4  # value, log-probability, advantage, return
    flops = (forward.get_total_flops() + epochs * both.get_total_flops()) / rows
    return Floor(flops, (1 + epochs) * floats * _FLOAT)


def _median(work: Any, device: torch.device, repeats: int) -> float:
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
