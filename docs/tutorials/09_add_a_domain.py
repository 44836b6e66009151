"""Add a domain of your own
========================

A task is one folder of small files, and everything that runs over ids (the command line, evaluation, batched stepping,
contract tests, a page of this site) picks it up. Here: which of three banners to show on the pages of a visit. The
files stand in ``tests/new_task/banner`` of the repository; begin by copying that folder.
"""

# %%
# The folder, and what each file answers. Nothing else is edited.
import ast
import inspect
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.sb3 import make_vec_env

folder = Path(sb3_ecom.__file__).parents[1] / "tests" / "new_task"
for path in sorted((folder / "banner").glob("*.py")):
    print(f"{path.name:13} {ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]}")

# %%
# Outside the package it is a package of your own, named to the commands by ``--gym-packages``.
sys.path.insert(0, str(folder))
from banner import dynamics, tracker
from banner.spec import SPECS

from sb3_ecom.core.registry import register

# %%
# **Dynamics**: what a visitor does. Noise is an argument and nothing is drawn, so a test can compute it by hand and
# two policies meet the same visitors; every array holds n visitors on axis 0, so a single environment is a batch of one.
print(inspect.getsource(dynamics.step))

# %%
# **Tracker**: what the shop may know. It sees public events alone, never the visitor's liking, so nothing hidden can
# leak into an observation; and the code that trains a policy serves it.
print(inspect.getsource(tracker.BannerTracker.note))

# %%
# **Spec**: data that names the rest. ``references`` holds measured figures, ``oracle`` says how good a policy can be
# and who would have to know what.
print(Path(folder / "banner" / "spec.py").read_text().split("SPECS = ")[1])
for spec in SPECS:
    register(spec)

# %%
# It is an id like every other one: baselines, a clairvoyant and a learner meet the same visitors.
env_id = SPECS[0].id
env = make_vec_env(env_id, n_envs=64, seed=0)
model = PPO("MlpPolicy", env, n_steps=32, batch_size=512, learning_rate=3e-3, gamma=1.0, seed=0).learn(60_000)
for policy in ("random", "win_stay", model, "clairvoyant"):
    found = sb3_ecom.evaluate(env_id, policy, episodes=2000)
    name = policy if isinstance(policy, str) else "PPO"
    print(f"{name:12} {found.mean:.3f} +- {1.96 * found.stderr:.3f} clicks a visit")

# %%
# Its picture (``render.py``), after four pages.
import gymnasium as gym

visit = gym.make(env_id, render_mode="rgb_array")
observation, _ = visit.reset(seed=1)
for _ in range(4):
    observation, *_ = visit.step(model.predict(observation, deterministic=True)[0])
plt.imshow(visit.render())
plt.axis("off")
plt.show()

# %%
# To make it part of a fork, move the folder to ``sb3_ecom/envs/<domain>/banner``. Then run::
#
#   python -m sb3_ecom envs
#   python -m sb3_ecom watch EcomThrowaway-v0 --baseline win_stay
#   python -m pytest tests/test_contract.py -k EcomThrowaway
#
# The contract tests hold what every id promises: the same results from one env, a batch and a subprocess; no hidden
# state in the observation; bit for bit the same features from public events; an oracle that no baseline beats.
