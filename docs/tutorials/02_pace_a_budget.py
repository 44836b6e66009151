"""Pace an advertising budget
==========================

One campaign, one day of 48 ticks, a budget that does not last for every auction.
"""

# %%
# The usual rules, on the same 256 days:
import sb3_ecom

names = ["constant", "pid", "dual_pacing", "model_predictive"]
results = {name: sb3_ecom.evaluate("EcomAds-v0", name, episodes=256) for name in names}
for name, result in results.items():
    print(f"{name:18} {result.mean:7.1f} conversions, budget use {result.metrics['budget_use']:.2f}")

# %%
# A day as the environment draws it: spend against the plan, the multiplier, and what was won.
import gymnasium as gym
import matplotlib.pyplot as plt

env = gym.make("EcomAds-v0", render_mode="rgb_array")
observation, _ = env.reset(seed=1)
policy = sb3_ecom.spec("EcomAds-v0").baselines["pid"](env.unwrapped.task)
for _ in range(40):
    observation, *_ = env.step(policy(observation[None])[0])
plt.figure(figsize=(8, 6))
plt.imshow(env.render())
plt.axis("off")
plt.show()
