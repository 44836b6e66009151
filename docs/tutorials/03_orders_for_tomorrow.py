"""Orders for tomorrow, live
=========================

A single item with a lead time and lost sales has a known optimum. A policy learns it, and then orders for a real
shelf, morning by morning.
"""

# %%
# How close do the usual rules come?
import matplotlib.pyplot as plt

import sb3_ecom

entry = sb3_ecom.spec("EcomLostSales-v0")
optimum = entry.oracle().value
for name in entry.baselines:
    result = sb3_ecom.evaluate("EcomLostSales-v0", name, episodes=128)
    percent, half = result.above_optimum(optimum)
    print(f"{name:20} costs {-result.mean:.3f} a period, {percent:.1f} +- {half:.1f} % above the optimum")

# %%
# PPO learns from the reward alone; rewards are normalised, since costs start far from order one.
import tempfile
from pathlib import Path

from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.sb3 import make_vec_env

folder = Path(tempfile.mkdtemp())
env = VecNormalize(make_vec_env("EcomLostSales-v0", n_envs=128, seed=0), norm_obs=False, gamma=0.9)
settings = dict(n_steps=16, batch_size=1024, n_epochs=5, gamma=0.9, ent_coef=0.02, seed=0)
model = PPO("MlpPolicy", env, learning_rate=lambda left: 3e-3 * left, **settings).learn(200_000)
model.save(folder / "ppo.zip")
result = sb3_ecom.evaluate("EcomLostSales-v0", model, episodes=128)
print(f"PPO after 200,000 steps: {-result.mean:.3f}, optimum {-optimum:.3f}")

# %%
# **Export, and order.** A planner takes what a shop has: stock by SKU, open orders with their due dates, and the
# sales of the last days. It keeps nothing between mornings.
from datetime import date, timedelta

from sb3_ecom.live import Planner
from sb3_ecom.sb3.export import export

export(folder / "ppo.zip", folder / "policy", "EcomLostSales-v0", checked=500)
planner = Planner.load(folder / "policy", skus=["MUG-BLUE"])
today = date(2026, 11, 27)
orders = planner.orders({"MUG-BLUE": 4}, [("MUG-BLUE", 5, today + timedelta(days=2))], today=today)
print(orders, "by", orders.policy)

# %%
# **Thirty mornings.** Customers are drawn here; in a shop they come by themselves.
import numpy as np

generator = np.random.default_rng(0)
stock, under_way, days = 4, [], []
lead_time, mean = planner.task.params.lead_time, 5.0
for morning in range(30):
    now = today + timedelta(days=morning)
    stock += sum(units for _, units, due in under_way if due == now)
    under_way = [order for order in under_way if order[2] > now]
    ordered = planner.orders({"MUG-BLUE": stock}, under_way, today=now)["MUG-BLUE"]
    if ordered:
        under_way.append(("MUG-BLUE", ordered, now + timedelta(days=lead_time)))
    wanted = generator.poisson(mean)
    days.append((now, stock, ordered, max(wanted - stock, 0)))
    stock = max(stock - wanted, 0)

when, shelf, ordered, lost = zip(*days, strict=True)
figure, axis = plt.subplots(figsize=(9, 3.5))
axis.step(when, shelf, where="mid", label="on the shelf")
axis.bar(when, ordered, color="tab:orange", alpha=0.6, label="ordered that morning")
missed = [units or np.nan for units in lost]
axis.plot(when, missed, "x", color="tab:red", label="customers sent away")
axis.set_ylabel("units")
axis.legend()
figure.autofmt_xdate()
figure.tight_layout()

# %%
# What can not be right is an error that says so, never a wrong number.
for stock in ({"MUG-BLUE": -2}, {"MUG-GREEN": 3}):
    try:
        planner.orders(stock, today=today)
    except ValueError as error:
        print(error)

# %%
# A whole shop of SKUs is ``EcomInventory-v0``: see "A sales table" among the pages "From your log to live
# decisions".
