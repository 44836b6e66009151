"""Reward terms of a page in a large shop: the session's own."""

from sb3_ecom.envs.recommendation.session.rewards import REWARDS, TERMS, reward_terms

__all__ = ["REWARDS", "TERMS", "reward_terms"]
