"""Binary feedback under local differential privacy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import check_number, check_term
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper


def truth_probability(epsilon: float) -> float:
    """Return the chance e^epsilon / (1 + e^epsilon) of reporting the true bit."""
    return 1.0 / (1.0 + math.exp(-epsilon))


def randomised_response(bit: Array, uniform: Array, epsilon: float) -> Array:
    """Return the reported bits (n,): true with `truth_probability`, else flipped.

    Source: Warner (1965), "Randomized response", JASA 60(309); its epsilon: Dwork & Roth (2014), "The
    algorithmic foundations of differential privacy", section 3.2; the best binary mechanism: Kairouz, Oh &
    Viswanath (2016), "Extremal mechanisms for local differential privacy", JMLR 17.

    Args:
        bit: (n,) 0 or 1.
        uniform: (n,) U[0, 1).
        epsilon: > 0.
    """
    xp = array_namespace(bit)
    return xp.where(uniform < truth_probability(epsilon), bit, 1 - bit)


def unbiased_estimate(response: Array, epsilon: float) -> Array:
    """Return ``(response - (1 - p)) / (2p - 1)``, (n,), whose mean is the true bit."""
    truth = truth_probability(epsilon)
    return (response - (1.0 - truth)) / (2.0 * truth - 1.0)


@dataclass(frozen=True)
class Privatised(RewardRule):
    """Replaces the reward by an unbiased estimate of a binary term under local differential privacy.

    Each bit passes `randomised_response` before the learner sees it, so every single report is
    epsilon-differentially private; T reports of one visitor together are T x epsilon. The estimate is
    corrected to the right mean, with a variance of p (1 - p) / (2p - 1)^2.

    The guarantee covers the reward and ``info["reward_terms"]``, which holds the estimate and no other term.
    It does not cover what else the environment shows: an observation that holds the click, or
    ``info["episode_totals"]``, which is for the operator's own books.

    Source: see `randomised_response`.

    Args:
        epsilon: privacy loss of one report, in [1e-6, 700]; small is private.
        term: name of a reward term that is 0 or 1; None takes the reward itself.

    Raises:
        ValueError: if `epsilon` is out of bounds, or (in use) the feedback is not 0 or 1.
    """

    epsilon: float
    term: str | None = None

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, low=1e-6, high=700)
        check_term("term", self.term)

    @property
    def needed_terms(self) -> tuple[str, ...] | None:
        """The binary term, where one is named."""
        return None if self.term is None else (self.term,)

    def draw(self, generator: np.random.Generator, n: int) -> Array:
        """Draw n uniforms."""
        return generator.random(n)

    def apply(self, state: Any, step: Step, noise: Array | None) -> tuple[Any, Step]:
        """Report the bit, and correct the report."""
        bit = step.reward if self.term is None else step.terms[self.term]
        wrong = (bit != 0) & (bit != 1)
        if bool(wrong.any()):
            name = "the reward" if self.term is None else f"the term {self.term!r}"
            raise ValueError(f"{name} must be 0 or 1 to be reported privately, got {float(bit[wrong][0])}")
        reward = unbiased_estimate(randomised_response(bit, noise, self.epsilon), self.epsilon)
        return state, step._replace(reward=reward, terms={self.term or "feedback": reward})


class PrivateFeedback(RewardWrapper, rule=Privatised):
    """gymnasium wrapper of `Privatised`."""
