"""A toy recommender with a catalogue, and the wrappers in all their faces."""

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

from sb3_ecom import wrappers
from sb3_ecom.core.item_spaces import Items
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.spaces import LayoutBox
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.sb3.vec_wrappers import rewards as reward_wrappers
from tests.toy import ITEMS, LAYOUT, ToyTask


class ShopTask(ToyTask):
    """The toy with two slots a page and a public catalogue."""

    def __init__(self, horizon=6, patience=0.7, **kwargs):
        super().__init__(action="multidiscrete", horizon=horizon, patience=patience, **kwargs)
        angle = np.linspace(0.0, np.pi, ITEMS)
        features = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
        shares = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
        items = Items(features, np.log(shares).astype(np.float32), None)
        self.observation_space = LayoutBox(LAYOUT, -2.0, 2.0, items=items)


def page_potential(observation):
    """(n, d) -> (n,): grows with the pages seen."""
    return 1.0 + 3.0 * observation[:, 0]


#: gymnasium face, SB3 face, arguments as a yml gives them.
FACES = {
    "weighted": ("WeightedReward", {"weights": {"clicks": 2.0, "movement": -0.5}}),
    "delayed-steps": ("DelayedReward", {"steps": 2}),
    "delayed-end": ("DelayedReward", {"until_end": True}),
    "constrained-step": (
        "ConstrainedReward",
        {"term": "clicks", "limit": 0.3, "multiplier": 2, "per": "step"},
    ),
    "constrained": (
        "ConstrainedReward",
        {"term": "movement", "limit": -1, "multiplier": 2, "at_least": True},
    ),
    "variance": ("RiskAdjustedReward", {"risk": "mean_variance", "aversion": 0.3, "target": 1.5}),
    "cvar": ("RiskAdjustedReward", {"risk": "cvar", "tail": 0.2, "weight": 0.5, "target": 1.5}),
    "potential": ("PotentialShaping", {"potential": "tests.wrappers.shop.page_potential", "gamma": 0.9}),
    "diversity": ("DiversityBonus", {"weight": 0.5}),
    "popularity": ("NoveltyBonus", {"weight": 0.5}),
    "coverage": ("NoveltyBonus", {"weight": 0.5, "kind": "coverage"}),
    "vector": ("VectorReward", {}),
}
#: Rules whose numbers depend on a random stream or on other copies' episodes: alike for one copy only.
ALONE = {
    "delayed-geometric": ("DelayedReward", {"geometric": 1.5}),
    "private": ("PrivateFeedback", {"epsilon": 1.0, "term": "clicks"}),
    "cvar-adaptive": ("RiskAdjustedReward", {"risk": "cvar", "tail": 0.3, "window": 50}),
}


def gym_face(name, kwargs, env):
    return getattr(wrappers, name)(env, **kwargs)


def vec_face(name, kwargs, venv):
    return getattr(reward_wrappers, f"Vec{name}")(venv, **kwargs)


def shop_env():
    return EcomEnv(ShopTask())


def roll(venv, steps, seed=3):
    """Return observations, rewards, dones and infos of a fixed action sequence."""
    venv.seed(seed)
    rng = np.random.default_rng(0)
    out = [[venv.reset()], [], [], []]
    for _ in range(steps):
        for kept, new in zip(out, venv.step(rng.integers(ITEMS, size=(venv.num_envs, 2))), strict=True):
            kept.append(new)
    return np.stack(out[0]), np.stack(out[1]), np.stack(out[2]), out[3]


def wrapped_singles(name, kwargs, n):
    return DummyVecEnv([lambda: gym_face(name, kwargs, shop_env())] * n)


def singles(n):
    return DummyVecEnv([shop_env] * n)


def batch(n):
    return EcomVecEnv(ShopTask(), n)


class NoTerms(gym.Env):
    """An environment of another package."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 1.0, False, False, {}
