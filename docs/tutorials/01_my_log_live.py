"""From my click log to a live recommender
========================================

A shop's click log becomes a simulator, a policy is trained in it, and the policy serves pages by the shop's own
item ids. The log here is made up; put your own file in its place.
"""

# %%
# A log has one row a click, under whatever column names your shop uses.
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(0)
rows = []
for session in range(800):
    taste, item = generator.integers(4), generator.integers(20)
    for click in range(1 + generator.poisson(3)):
        rows.append((f"s{session}", f"SKU-{item:02d}", 1_700_000_000 + session * 3600 + click * 60))
        item = int(taste * 5 + generator.integers(5)) if generator.random() < 0.8 else generator.integers(20)
log = pd.DataFrame(rows, columns=["visit", "article", "clicked_at"])
log.to_csv(folder / "clicks.csv", index=False)
log.head()

# %%
# **Fit.** The command prints what it took for what, and how well a simulation of the fit agrees with the log.
from sb3_ecom.__main__ import main

columns = ["--session", "visit", "--item", "article", "--time", "clicked_at"]
options = ["--no-memory", "--keep-item-ids", "--out", str(folder / "shop.toml")]
main(["calibrate", "recommendation", str(folder / "clicks.csv"), *columns, *options])

# %%
# The same table as a picture: the log against the simulated visitors.
import matplotlib.pyplot as plt

plt.figure(figsize=(9, 6))
plt.imshow(plt.imread(folder / "shop_report" / "fidelity.png"))
plt.axis("off")
plt.tight_layout()

# %%
# **Train.** The preset is an environment like any other. Pages are paid their expected advantage, as in the
# settings of rl-zoo that come with the package.
from sb3_ecom.sb3 import LastItemEmbeddingPolicy, VecExpectedAdvantage, make_vec_env
from stable_baselines3 import PPO

preset = str(folder / "shop.toml")
env = VecExpectedAdvantage(make_vec_env("EcomRec-v0", n_envs=128, seed=0, preset=preset), discount=1.0)
settings = dict(
    n_steps=16, batch_size=1024, n_epochs=3, learning_rate=3e-3, gamma=1.0, gae_lambda=0.0, seed=0
)
model = PPO(LastItemEmbeddingPolicy, env, policy_kwargs=dict(log_std_init=-1.0), **settings)
model.learn(60_000).save(folder / "ppo.zip")

# %%
# **Export.** The folder that comes out needs neither torch nor Stable-Baselines3, and is refused unless it
# decides as the model does.
from sb3_ecom.sb3.export import export

manifest = export(folder / "ppo.zip", folder / "policy", "EcomRec-v0", checked=1000, preset=preset)
print(manifest.policy, *sorted(path.name for path in (folder / "policy").iterdir()))

# %%
# **Decide live.** A visit is opened, pages are asked for, and what became of each comes back, perhaps late.
from sb3_ecom.live import Recommender

shop = Recommender.load(folder / "policy", explore="plackett-luce:0.3", seed=0)
visit = shop.open(landing="SKU-03", hour=14.5)
page = visit.recommend(exclude=["SKU-04"])  # it is out of stock
visit.reward(page.event_id, clicked=page.items[0], bought=False)
for item, chance in zip(page.items, page.propensities, strict=True):
    print(f"{item}  shown here with probability {chance:.2f}")

# %%
# **Rehearse.** Before real visitors come, simulated ones do. A rule serves through the same code, so that the
# two can be compared: same visitors, no exploration.
from sb3_ecom.core.registry import spec
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.rehearsal import rehearse

world = spec("EcomRec-v0").make_task(preset=preset)
served = {"trained": rehearse(Recommender.load(folder / "policy"), world, 500)}
for rule in ("popularity", "related_items", "session_profile"):
    served[rule] = rehearse(Recommender(RulePolicy("EcomRec-v0", rule, preset=preset)), world, 500)

means = [result.per_visit()[0] for result in served.values()]
halves = [1.96 * result.per_visit()[1] for result in served.values()]
plt.figure(figsize=(7, 3))
plt.barh(list(served), means, xerr=halves, color=["tab:orange"] + ["tab:gray"] * 3)
plt.gca().invert_yaxis()
plt.xlabel("clicks a visit (line: 95% interval)")
plt.tight_layout()

# %%
# Next: ``python -m sb3_ecom serve`` offers the folder over HTTP, as the pages "From your log to live decisions"
# show. On so short a training a good rule may be level with the policy; the interval says so.
