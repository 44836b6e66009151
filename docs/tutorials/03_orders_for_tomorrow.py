"""Orders for tomorrow
===================

A single item with a lead time and lost sales has a known optimum: how close do rules and PPO come?
"""

# %%
import sb3_ecom

entry = sb3_ecom.spec("EcomLostSales-v0")
optimum = entry.oracle().value
for name in entry.baselines:
    result = sb3_ecom.evaluate("EcomLostSales-v0", name, episodes=256)
    percent, half = result.above_optimum(optimum)
    print(f"{name:20} costs {-result.mean:.3f} a period, {percent:.1f} +- {half:.1f} % above the optimum")

# %%
# PPO learns it from the reward alone; rewards are normalised, since costs start far from order one.
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.sb3 import make_vec_env

env = VecNormalize(make_vec_env("EcomLostSales-v0", n_envs=64, seed=0), norm_obs=False)
settings = dict(n_steps=64, batch_size=1024, n_epochs=4, gamma=0.95, learning_rate=1e-3, seed=0)
model = PPO("MlpPolicy", env, **settings).learn(250_000)
result = sb3_ecom.evaluate("EcomLostSales-v0", model, episodes=256)
print(f"PPO after 250,000 steps: {-result.mean:.3f}, optimum {-optimum:.3f}")
