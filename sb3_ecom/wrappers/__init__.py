"""Reward wrappers: one pure function each, a gymnasium form and a VecEnv form.

Each module holds a pure function over a batch, a rule (its parameters, checked) and the gymnasium wrapper for
rl-zoo's `env_wrapper`. The VecEnv wrappers for `vec_env_wrapper` carry the prefix ``Vec`` and live in
`sb3_ecom.sb3`, because only that room imports Stable-Baselines3.

Not here, because it exists: ``TransformReward`` (any function of the reward) and ``NormalizeReward`` of
gymnasium, ``VecNormalize(norm_obs=False)`` of SB3 (scale), ``ClipReward`` of gymnasium (bounds).
"""

from sb3_ecom.wrappers.constrained import Constrained, ConstrainedReward, lagrangian
from sb3_ecom.wrappers.delayed import Delayed, DelayedReward, delayed, geometric_delay
from sb3_ecom.wrappers.potential import PotentialShaped, PotentialShaping, shaping
from sb3_ecom.wrappers.private import PrivateFeedback, Privatised, randomised_response, unbiased_estimate
from sb3_ecom.wrappers.risk import RiskAdjusted, RiskAdjustedReward, cvar_utility, mean_variance_utility
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.slate import (
    Diverse,
    DiversityBonus,
    Novel,
    NoveltyBonus,
    intra_list_distance,
    mean_self_information,
    newly_covered,
)
from sb3_ecom.wrappers.vector import Vectorised, VectorReward, VectorRewardOnly, vector_reward
from sb3_ecom.wrappers.weighted import Weighted, WeightedReward, weighted_sum
from sb3_ecom.wrappers.wrapper import RewardWrapper

__all__ = [
    "Constrained",
    "ConstrainedReward",
    "Delayed",
    "DelayedReward",
    "Diverse",
    "DiversityBonus",
    "Novel",
    "NoveltyBonus",
    "PotentialShaped",
    "PotentialShaping",
    "PrivateFeedback",
    "Privatised",
    "RewardRule",
    "RewardWrapper",
    "RiskAdjusted",
    "RiskAdjustedReward",
    "Step",
    "VectorReward",
    "VectorRewardOnly",
    "Vectorised",
    "Weighted",
    "WeightedReward",
    "cvar_utility",
    "delayed",
    "geometric_delay",
    "intra_list_distance",
    "lagrangian",
    "mean_self_information",
    "mean_variance_utility",
    "newly_covered",
    "randomised_response",
    "shaping",
    "unbiased_estimate",
    "vector_reward",
    "weighted_sum",
]
