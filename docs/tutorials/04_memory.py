"""A sequence policy, and what memory is worth
===========================================

Visitors of ``EcomRecOrganic-v0`` show their taste by looking around; what they looked at stands in the history. The
same PPO twice: once it sees the last step alone, once it attends to all of them. ``LstmPolicy`` and ``GruPolicy``
take the same place; they cost three times as long on a CPU.
"""

# %%
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.sb3 import AttentionPolicy, LastClickPolicy, make_vec_env

settings = dict(
    n_steps=16, batch_size=2048, n_epochs=2, learning_rate=3e-3, gamma=0.0, gae_lambda=0.0, seed=0
)
results = {}
for policy in (LastClickPolicy, AttentionPolicy):
    env = make_vec_env("EcomRecOrganic-v0", n_envs=256, seed=0, stagger=True)
    model = PPO(policy, env, **settings).learn(200_000)
    results[policy.__name__] = sb3_ecom.evaluate("EcomRecOrganic-v0", model, episodes=4096)
    print(f"{policy.__name__}: {results[policy.__name__].mean:.3f} clicks a visit")

# %%
# The same 4,096 visitors met both, so the difference is paired. One seed and few steps: the ladder is under results.
difference, error = results["AttentionPolicy"].minus(results["LastClickPolicy"])
print(f"memory is worth {difference:+.3f} +- {1.96 * error:.3f} clicks a visit")
