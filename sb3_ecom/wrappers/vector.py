"""The reward terms as a vector, for multi-objective learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import show
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper


def vector_reward(terms: Mapping[str, Array], names: Sequence[str]) -> Array:
    """Return the named terms as (n, m) float32, in the order of `names`."""
    xp = array_namespace(terms[names[0]])
    return xp.stack([xp.asarray(terms[name], dtype=xp.float32) for name in names], axis=1)


@dataclass(frozen=True)
class Vectorised(RewardRule):
    """Puts the named terms as a vector into ``info["vector_reward"]``; the reward stays as it is.

    The order is that of `terms`. ``reward_space`` (and ``reward_dim``) describe it, on this wrapper and,
    as MO-Gymnasium asks, on the unwrapped environment.

    Source: Felten et al. (2023), "A toolkit for reliable benchmarking and research in multi-objective
    reinforcement learning", NeurIPS (MO-Gymnasium: `reward_space`, and `vector_reward` in the info of its
    LinearReward).

    Args:
        terms: names; None takes all that the environment has, in its order.

    Raises:
        ValueError: if `terms` is empty, or None on an environment that is not ours.
    """

    info_keys: ClassVar[tuple[str, ...]] = ("vector_reward",)

    terms: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.terms is None:
            return
        listed = isinstance(self.terms, list | tuple) and len(self.terms) > 0
        if not listed or not all(isinstance(name, str) for name in self.terms):
            raise ValueError(f"terms must be a list of at least one name, got {show(self.terms)}")

    @property
    def needed_terms(self) -> tuple[str, ...]:
        """The terms in the vector."""
        return tuple(self.terms or ())

    @property
    def reward_space(self) -> spaces.Box:
        """Unbounded (m,) float32."""
        return spaces.Box(-np.inf, np.inf, (len(self.needed_terms),), np.float32)

    def for_env(self, observation_space: Any, terms: tuple[str, ...] | None) -> Vectorised:
        """Take the environment's terms where none are named."""
        if self.terms is None and terms is None:
            raise ValueError("terms must be named on an environment that is not one of sb3_ecom, got None")
        return self if self.terms is not None else replace(self, terms=terms)

    def apply(self, state: Any, step: Step, noise: Array | None) -> tuple[Any, Step]:
        """Add the vector to the report."""
        vector = vector_reward(step.terms, self.needed_terms)
        return state, step._replace(step_info={**step.step_info, "vector_reward": vector})


class VectorReward(RewardWrapper, rule=Vectorised):
    """gymnasium wrapper of `Vectorised`."""

    rule: Vectorised

    def __init__(self, env: gymnasium.Env[Any, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(env, *args, **kwargs)
        self.reward_space = self.rule.reward_space
        self.reward_dim = self.reward_space.shape[0]
        base: Any = env.unwrapped
        base.reward_space, base.reward_dim = self.reward_space, self.reward_dim


class VectorRewardOnly(VectorReward, rule=Vectorised):
    """gymnasium wrapper of `Vectorised` whose reward is the vector, as MO-Gymnasium's are (not for SB3)."""

    def step(self, action: Any) -> tuple[Any, SupportsFloat | Array, bool, bool, dict[str, Any]]:
        """Advance by one step; the reward is (m,) float32."""
        observation, _, terminated, truncated, info = super().step(action)
        return observation, info["vector_reward"], terminated, truncated, info
