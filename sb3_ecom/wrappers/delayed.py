"""Rewards that arrive late, as conversions do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_flag, check_number, check_whole
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper

_LONGEST = 100_000  # steps
_NEGLIGIBLE = 1e-6  # chance of a geometric delay beyond the queue, which then counts as its length


class Queue(NamedTuple):
    """Rewards earned and not yet paid."""

    due: Array  # (n, longest delay + 1); column k is paid in k steps


def delayed(due: Array, reward: Array, delay: Array, done: Array) -> tuple[Array, Array]:
    """Queue the rewards of one step and pay what is due; an episode's end pays everything.

    Args:
        due: (n, m) rewards still to come; column k is paid in k steps.
        reward: (n,) earned now.
        delay: (n,) whole steps in [0, m), from now to payment.
        done: (n,) bool.

    Returns:
        The queue (n, m) after the step and the reward (n,) paid in it.
    """
    xp = array_namespace(due)
    column = xp.arange(due.shape[1])[None, :]
    due = due + xp.where(column == delay[:, None], reward[:, None], xp.zeros_like(due))
    paid = xp.where(done, xp.sum(due, axis=1), due[:, 0])
    later = xp.where(column < due.shape[1] - 1, xp.roll(due, -1, axis=1), xp.zeros_like(due))
    return xp.where(done[:, None], xp.zeros_like(due), later), paid


def geometric_delay(uniform: Array, mean: float) -> Array:
    """Return (n,) geometric delays of the given mean (steps, on 0, 1, 2, ...) by inverting (n,) U[0, 1)."""
    xp = array_namespace(uniform)
    return xp.floor(xp.log1p(-uniform) / math.log(mean / (1.0 + mean)))


@dataclass(frozen=True)
class Delayed(RewardRule):
    """Pays every reward later; the sum over an episode stays the same.

    Give exactly one of the three. What is unpaid when an episode ends (terminated or truncated) is paid in
    its last step. The observation does not tell what is pending.

    Source: Chapelle (2014), "Modeling delayed feedback in display advertising", KDD (the delay of a
    conversion is exponential; geometric in steps); Arjona-Medina et al. (2019), "RUDDER", NeurIPS (all reward
    at the end).

    Args:
        steps: pay after this many steps, up to 100,000.
        until_end: pay everything in the last step.
        geometric: mean of a geometric delay, up to 5,000 steps, drawn anew for every reward.

    Raises:
        ValueError: if not exactly one is given, or it is out of bounds.
    """

    steps: int | None = None
    until_end: bool = False
    geometric: float | None = None

    def __post_init__(self) -> None:
        check_flag("until_end", self.until_end)
        given = (self.steps is not None) + bool(self.until_end) + (self.geometric is not None)
        if given != 1:
            raise ValueError(
                "give exactly one of steps, until_end and geometric,"
                f" got steps={self.steps}, until_end={self.until_end}, geometric={self.geometric}"
            )
        if self.steps is not None:
            check_whole("steps", self.steps, 0, _LONGEST, "steps")
            object.__setattr__(self, "steps", int(self.steps))
        if self.geometric is not None:
            check_number("geometric", self.geometric, low=1e-6, high=_LONGEST / 20, unit="steps")

    @property
    def longest(self) -> int:
        """Longest delay that the queue can hold, steps."""
        if self.geometric is not None:
            return math.ceil(math.log(_NEGLIGIBLE) / math.log(self.geometric / (1.0 + self.geometric)))
        return 1 if self.steps is None else self.steps

    def start(self, observation: Any, blank: Array) -> Queue:
        """Owe nothing."""
        xp = array_namespace(blank)
        return Queue(xp.zeros((blank.shape[0], self.longest + 1), dtype=xp.float64))

    def draw(self, generator: np.random.Generator, n: int) -> Array | None:
        """Draw n uniforms where delays are random."""
        return generator.random(n) if self.geometric is not None else None

    def apply(self, state: Queue, step: Step, noise: Array | None) -> tuple[Queue, Step]:
        """Queue this step's reward and pay what is due."""
        if self.until_end:
            # Column 0 would be paid at once; the last column holds until the end and moves nowhere.
            xp = array_namespace(state.due)
            total = state.due[:, 1] + step.reward
            paid = xp.where(step.done, total, xp.zeros_like(total))
            return Queue(xp.stack([xp.zeros_like(total), total - paid], axis=1)), step._replace(reward=paid)
        due, paid = delayed(state.due, step.reward, self._delay(step.reward, noise), step.done)
        return Queue(due), step._replace(reward=paid)

    def _delay(self, reward: Array, noise: Array | None) -> Array:
        xp = array_namespace(reward)
        if self.geometric is None or noise is None:
            return xp.full(reward.shape, self.steps)
        return xp.clip(geometric_delay(noise, self.geometric), 0, self.longest)


class DelayedReward(RewardWrapper, rule=Delayed):
    """gymnasium wrapper of `Delayed`."""
