"""The VecEnv forms of the reward wrappers, for rl-zoo's `vec_env_wrapper`; the rules live in `wrappers`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from sb3_ecom.sb3.vec_wrappers.reward_base import RewardVecWrapper
from sb3_ecom.wrappers import (
    Constrained,
    Delayed,
    Diverse,
    Novel,
    PotentialShaped,
    Privatised,
    RiskAdjusted,
    Vectorised,
    Weighted,
)

__all__ = [
    "VecConstrainedReward",
    "VecDelayedReward",
    "VecDiversityBonus",
    "VecNoveltyBonus",
    "VecPotentialShaping",
    "VecPrivateFeedback",
    "VecRiskAdjustedReward",
    "VecVectorReward",
    "VecWeightedReward",
]


class VecWeightedReward(RewardVecWrapper, rule=Weighted):
    """SB3 wrapper of `Weighted`."""


class VecDelayedReward(RewardVecWrapper, rule=Delayed):
    """SB3 wrapper of `Delayed`."""


class VecConstrainedReward(RewardVecWrapper, rule=Constrained):
    """SB3 wrapper of `Constrained`."""

    rule: Constrained

    def set_multiplier(self, multiplier: float) -> None:
        """Set the price of the constraint, >= 0."""
        self.rule = replace(self.rule, multiplier=multiplier)


class VecRiskAdjustedReward(RewardVecWrapper, rule=RiskAdjusted):
    """SB3 wrapper of `RiskAdjusted`."""


class VecPotentialShaping(RewardVecWrapper, rule=PotentialShaped):
    """SB3 wrapper of `PotentialShaped`."""


class VecDiversityBonus(RewardVecWrapper, rule=Diverse):
    """SB3 wrapper of `Diverse`."""


class VecNoveltyBonus(RewardVecWrapper, rule=Novel):
    """SB3 wrapper of `Novel`."""


class VecVectorReward(RewardVecWrapper, rule=Vectorised):
    """SB3 wrapper of `Vectorised`.

    The vector of all copies is ``last_step.step_info["vector_reward"]``, (n, m).
    """

    rule: Vectorised

    def __init__(self, venv: VecEnv, *args: Any, **kwargs: Any) -> None:
        super().__init__(venv, *args, **kwargs)
        self.reward_space = self.rule.reward_space
        self.reward_dim = self.reward_space.shape[0]


class VecPrivateFeedback(RewardVecWrapper, rule=Privatised):
    """SB3 wrapper of `Privatised`."""
