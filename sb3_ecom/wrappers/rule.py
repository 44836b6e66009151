"""What a reward wrapper computes: a rule over a batch of copies, apart from gymnasium's and SB3's APIs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, tree_map
from sb3_ecom.core.checks import show
from sb3_ecom.core.registry import specs


class Step(NamedTuple):
    """One step of n copies, as a rule sees it and as it leaves it."""

    reward: Array  # (n,)
    terms: Mapping[str, Array]  # reward term -> (n,); empty where the environment names none
    step_info: Mapping[str, Array]  # other entries of info, e.g. slate -> (n, K)
    observation: Any  # (n, ...) after the step, in the SAME episode (before any autoreset)
    terminated: Array  # (n,) bool
    truncated: Array  # (n,) bool, and not terminated

    @property
    def done(self) -> Array:
        """(n,) bool: the episode ended."""
        return self.terminated | self.truncated


class Names(NamedTuple):
    """What an environment tells of a step beside its reward."""

    terms: tuple[str, ...]  # of info["reward_terms"]
    numbers: tuple[str, ...] = ()  # other entries of info that are one number per copy


class RewardRule(ABC):
    """Turns the reward of a step into another one.

    Subclasses are frozen dataclasses: the parameters are the fields, checked in ``__post_init__``. What
    changes from step to step is a state (NamedTuple of (n, ...) arrays, or None) that the wrapper keeps.
    Nothing draws except `draw`, and nothing mutates its arguments. Arrays are NumPy's or torch's.
    """

    #: Entries of `info` beside the terms that the rule reads.
    reads: ClassVar[tuple[str, ...]] = ()
    #: Whether a needed term may also be a number of `info` beside the terms (units of demand, a cost).
    reads_numbers: ClassVar[bool] = False
    #: Entries that the rule adds to `report` and that users look for in every copy's `info`.
    info_keys: ClassVar[tuple[str, ...]] = ()

    def check_terms(self, known: Names, source: str) -> None:
        """Refuse terms that an environment does not give.

        Args:
            known: names that it gives.
            source: what to call it.

        Raises:
            ValueError: if a needed name is unknown (the known ones are listed), or there are no terms at all.
        """
        needed = self.needed_terms
        numbers = known.numbers if self.reads_numbers else ()
        missing = [name for name in needed or () if name not in (*known.terms, *numbers)]
        if needed is None or (known.terms and not missing) or (needed and not missing):
            return
        if not known.terms:
            raise ValueError(
                f'{source} gives no info["reward_terms"] (a dict: term name -> float), which this wrapper'
                f" reads; ids that give it: {', '.join(sorted(specs())) or 'none is registered'}"
            )
        also = f"; other numbers in info: {', '.join(numbers)}" if numbers else ""
        raise ValueError(
            f"{source} has no reward term {show(missing[0])}; known terms: {', '.join(known.terms)}{also}"
        )

    @property
    def needed_terms(self) -> tuple[str, ...] | None:
        """Names of reward terms that must exist; None where the rule reads no terms."""
        return None

    def for_env(self, observation_space: Any, terms: tuple[str, ...] | None) -> RewardRule:
        """Return the rule fitted to an environment.

        Args:
            observation_space: of one copy of the innermost environment.
            terms: names of its reward terms, None where they cannot be known before a step.
        """
        return self

    def start(self, observation: Any, blank: Array) -> Any:
        """Return the state of n copies that just began.

        Args:
            observation: (n, ...) first observations.
            blank: (n,) float64 zeros, which tell n and the array library.
        """
        return None

    def restart(self, state: Any, ended: Array, observation: Any, blank: Array) -> Any:
        """Return the state after a new episode began where `ended` (n,) is true."""
        return tree_map(lambda old, new: choose_rows(ended, new, old), state, self.start(observation, blank))

    def draw(self, generator: np.random.Generator, n: int) -> Array | None:
        """Draw the noise of one step of n copies: the same amount at every step."""
        return None

    @abstractmethod
    def apply(self, state: Any, step: Step, noise: Array | None) -> tuple[Any, Step]:
        """Return the next state and the step with its new reward, terms or step_info."""


def choose_rows(mask: Array, new: Array, old: Array) -> Array:
    """Return `new` in the rows where `mask` (n,) is true, else `old`; both (n, ...)."""
    xp = array_namespace(new)
    return xp.where(mask.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)
