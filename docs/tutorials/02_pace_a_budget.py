"""Pace an advertising budget, live
================================

One campaign, one day of 48 ticks, a budget that does not last for every auction. First the rules, then a trained
policy that bids on the reports of an ads platform.
"""

# %%
# The usual rules, on the same 96 simulated days:
import matplotlib.pyplot as plt

import sb3_ecom

names = ["constant", "pid", "dual_pacing", "model_predictive"]
results = {name: sb3_ecom.evaluate("EcomAds-v0", name, episodes=96) for name in names}
for name, result in results.items():
    print(f"{name:18} {result.mean:7.1f} conversions, budget use {result.metrics['budget_use']:.2f}")

# %%
# **Train and export.** The policy shifts the bids of a tuned rule; the rule and its constants travel along.
import tempfile
from pathlib import Path

from stable_baselines3 import PPO

from sb3_ecom.sb3 import VecResidual, make_vec_env
from sb3_ecom.sb3.export import export

folder = Path(tempfile.mkdtemp())
env = VecResidual(make_vec_env("EcomAds-v0", n_envs=32, seed=0), rule="model_predictive_feedback")
settings = dict(n_steps=48, batch_size=768, learning_rate=1e-3, gae_lambda=1.0, gamma=1.0, seed=0)
model = PPO("MlpPolicy", env, policy_kwargs=dict(log_std_init=-1.5), **settings).learn(20_000)
model.save(folder / "ppo.zip")
manifest = export(folder / "ppo.zip", folder / "policy", "EcomAds-v0", checked=500)
print(manifest.policy, "shifts", manifest.rule["rule"])

# %%
# **A day of bids.** ``bid`` takes the platform's report of the last tick and says what to bid in the next one. A
# simulated market stands in for the platform here. It sells 1,000 times the auctions of the training, so
# ``open`` is told how many a day offers; money and counts are the campaign's own.
import math

import numpy as np

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task
from sb3_ecom.live import Bidder, TickReport

task, scale = make_task("EcomAds-v0", control="absolute"), 1000
money = task.params.price_median / 1e9 * scale  # a micro of the simulator in the campaign's money
market = StepLoop(task, 1, keep_last_frame=True)
market.reset(3)
budget = int(market.state.tracked.budget[0]) * money
auctions = task.params.auctions_per_tick * task.params.ticks * scale


def sell(tick, bid):
    """Return what the platform reports on a tick."""
    left = int(market.state.tracked.left[0])
    market.step(np.array([[math.log(bid.multiplier) / 3]], np.float32))
    state, outcome = market.last_frame
    counts = {"impressions": outcome.auctions, "wins": outcome.wins, "conversions": outcome.conversions}
    spend = (left - int(state.tracked.left[0])) * money
    return TickReport(
        tick=tick, spend=spend, **{name: float(count[0]) * scale for name, count in counts.items()}
    )


day, report = Bidder.load(folder / "policy").open(budget, day="2026-11-27", auctions_per_day=auctions), None
bids, spent = [], [0.0]
for tick in range(task.params.ticks):
    if tick == 20:
        report = None  # the platform was silent: the bid is held, and says so
    bids.append(day.bid(report))
    report = sell(tick, bids[-1])
    spent.append(spent[-1] + report.spend)
print(bids[1].reason)
print(bids[20].reason)
print(bids[21].reason)

# %%
# What the day looked like: money spent against an even pace, and the bids that did it.
hours = np.arange(task.params.ticks + 1) / 2
figure, (money_axis, bid_axis) = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
money_axis.plot(hours, spent, color="tab:orange", label="spent")
money_axis.plot([0, 24], [0, budget], color="tab:gray", linestyle=":", label="even pace")
money_axis.set_ylabel("money")
money_axis.legend()
bid_axis.step(hours[:-1], [bid.cpm for bid in bids], where="post")
bid_axis.axvline(10, color="tab:red", linewidth=1)
bid_axis.annotate("no report", (10.2, bids[20].cpm), color="tab:red")
bid_axis.set(xlabel="hour of the day", ylabel="bid per 1,000", xlim=(0, 24))
figure.tight_layout()
