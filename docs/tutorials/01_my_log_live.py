"""My click log becomes a simulator
================================

A shop's click log is fitted to a model of its visitors, and a policy is trained on it. The log here is made up;
put your own file in its place.
"""

# %%
# A log: one row a click, with a session, an item and a time.
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(0)
rows = []
for session in range(600):
    taste, item = generator.integers(4), generator.integers(20)
    for click in range(1 + generator.poisson(3)):
        rows.append((f"s{session}", f"SKU-{item:02d}", 1_700_000_000 + session * 3600 + click * 60))
        item = int(taste * 5 + generator.integers(5)) if generator.random() < 0.8 else generator.integers(20)
log = pd.DataFrame(rows, columns=["session", "item", "time"])
log.to_csv(folder / "clicks.csv", index=False)
log.head()

# %%
# Fit it. The command prints what it took for what, and how well a simulation of the fit agrees with the log.
from sb3_ecom.__main__ import main

main(
    [
        "calibrate",
        "recommendation",
        str(folder / "clicks.csv"),
        "--out",
        str(folder / "shop.toml"),
        "--no-memory",
        "--keep-item-ids",
    ]
)

# %%
# The preset is an environment like any other.
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.sb3 import make_vec_env

preset = str(folder / "shop.toml")
env = make_vec_env("EcomRec-v0", n_envs=64, seed=0, preset=preset)
model = PPO("MlpPolicy", env, n_steps=32, batch_size=512, n_epochs=2, seed=0).learn(30_000)

# %%
# How good is it? On the same visitors as a rule:
learned = sb3_ecom.evaluate("EcomRec-v0", model, episodes=512, preset=preset)
rule = sb3_ecom.evaluate("EcomRec-v0", "related_items", episodes=512, preset=preset)
difference, error = learned.minus(rule)
print(f"PPO {learned.mean:.2f}, related items {rule.mean:.2f}: {difference:+.2f} +- {1.96 * error:.2f}")
