"""Explain a policy to a manager
=============================

"Why does it show this?" A trained policy answers in pictures: which facts about a visit move it, and a few rules
that come close to it, with how close.
"""

# %%
# A policy for the clothing shop that comes with the package, trained for some seconds.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from stable_baselines3 import PPO

from sb3_ecom.sb3 import LastItemEmbeddingPolicy, VecExpectedAdvantage, make_vec_env

folder = Path(tempfile.mkdtemp())
env = VecExpectedAdvantage(make_vec_env("EcomRec-v0", n_envs=128, seed=0), discount=1.0)
settings = dict(
    n_steps=16, batch_size=1024, n_epochs=3, learning_rate=3e-3, gamma=1.0, gae_lambda=0.0, seed=0
)
model = PPO(LastItemEmbeddingPolicy, env, policy_kwargs=dict(log_std_init=-1.0), **settings)
model.learn(60_000).save(folder / "ppo.zip")

# %%
# One command writes a folder. It prints the report, which says first how far the rules can be trusted.
from sb3_ecom.__main__ import main

small = ["--decisions", "64", "--states", "4000", "--depth", "3"]
main(
    [
        "explain",
        str(folder / "ppo.zip"),
        "--env",
        "EcomRec-v0",
        "--trust",
        "--out",
        str(folder / "why"),
        *small,
    ]
)


# %%
# **What moves it.** Each row is a fact about the visit, each column a part of the ranking; brighter means that the
# fact moves that part more. Attributions that do not add up to the change they explain are refused.
def show(name):
    """Show a picture of the report."""
    picture = plt.imread(folder / "why" / name)
    plt.figure(figsize=(10, 10 * picture.shape[0] / picture.shape[1]))
    plt.imshow(picture)
    plt.axis("off")
    plt.tight_layout()


show("importances.png")

# %%
# **Rules of thumb.** A small tree that imitates the policy. Read it together with its fidelity: near 1 the rules
# are the policy; far below, as here, they are a sketch of it, and should not be quoted. This policy learns a vector
# for each item, which no handful of rules can repeat; its items are in the table above, and in ``items.csv``.
show("tree.png")

# %%
# For the meeting, three sentences do: what the policy looks at (the top rows), what it does with it (the largest
# parts of the ranking), and how sure we are (the fidelity). What it earns is another question, which
# ``python -m sb3_ecom compare`` and, on real visitors, ``judge`` answer.
