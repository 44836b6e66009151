"""Rewards: margin, returns, constraints
=====================================

Every reward is a weighted sum of named terms; wrappers change it without touching the environment.
"""

# %%
# Another objective is another weighting.
import gymnasium as gym

import sb3_ecom

env = gym.make("EcomRec-v0", reward_weights={"margin": 1.0, "returns": 1.0})
env.reset(seed=0)
*_, info = env.step(env.action_space.sample())
print(info["reward_terms"])

# %%
# The cheapest stock policy that loses no more than a tenth of the demand: a constraint with a multiplier.
from stable_baselines3 import PPO

from sb3_ecom.sb3 import DualAscent, VecConstrainedReward, VecWeightedReward, make_vec_env

venv = make_vec_env("EcomLostSales-v0", n_envs=64, seed=0)
venv = VecWeightedReward(venv, weights={"holding": 1.0, "ordering": 1.0})
venv = VecConstrainedReward(venv, term="unmet", per="demand", limit=0.10)
model = PPO("MlpPolicy", venv, n_steps=64, batch_size=1024, seed=0)
model.learn(400_000, callback=DualAscent(rate=20.0, damping=40.0))
result = sb3_ecom.evaluate("EcomLostSales-v0", model, episodes=256)
print(f"lost share of the demand: {result.metrics['unmet_share']:.3f}")
