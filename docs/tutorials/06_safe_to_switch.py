"""Is it safe to switch?
=====================

A shop shows pages by one rule. Would another policy have earned more? The shop's own decision log can tell,
without showing a single page of the new policy, if pages were drawn with known chances.
"""

# %%
# **A log with propensities.** The running rule explores a little: items with a higher score come more often, and
# the chance of every item is written down. Simulated visitors stand in for real ones.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from sb3_ecom.core.registry import spec
from sb3_ecom.live.decision_log import DecisionLog
from sb3_ecom.live.pages import RulePolicy
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.logs.decisions import read_decisions

folder = Path(tempfile.mkdtemp()) / "decisions"
world = spec("EcomRec-v0").make_task()
shop = Recommender(
    RulePolicy("EcomRec-v0", "related_items"), explore="plackett-luce:1", log=DecisionLog(folder), seed=0
)
rehearse(shop, world, 700)
shop.close()
visits = read_decisions(folder)
first = visits[0].pages[0]
print(first.items, [round(chance, 3) for chance in first.propensities], first.clicked)

# %%
# **Judge.** Pages that the new policy would show more often count more, the others less. Three candidates: the
# running rule with less exploration, with more, and another rule. All are judged on the same log.
from sb3_ecom.live.exploration import parse_exploration
from sb3_ecom.live.judge import ASSUMPTIONS, Candidate, judge

candidates = {
    "same rule, explores less": ("related_items", "plackett-luce:0.8"),
    "same rule, explores more": ("related_items", "plackett-luce:2"),
    "another rule": ("session_profile", "plackett-luce:1"),
}
judged = {}
for name, (rule, explore) in candidates.items():
    policy = RulePolicy("EcomRec-v0", rule)
    candidate = Candidate(name, policy.act_with_scores, world, parse_exploration(explore))
    judged[name] = judge(visits, candidate)
    print(f"{name}: the log is worth {judged[name].effective_pages:,.0f} pages of it")

# %%
# Each estimator rests on an assumption. Where they disagree, believe the one whose assumption you accept.
for name, assumption in ASSUMPTIONS.items():
    print(f"{name:12} {assumption}")

# %%
# **Look.** Points are estimates, lines 95% intervals, which take the pages of a visit as one piece of evidence.
# The gray band is what the running rule earned on the log.
figure, axes = plt.subplots(1, len(judged), figsize=(10, 3), sharex=True, sharey=True)
for axis, (name, found) in zip(axes, judged.items(), strict=True):
    for row, estimate in enumerate(found.estimates.values()):
        axis.plot([estimate.low, estimate.high], [row, row], color="tab:blue")
        axis.plot(estimate.value, row, "o", color="tab:blue")
    axis.axvspan(found.logged.low, found.logged.high, color="tab:gray", alpha=0.3)
    axis.set_title(name, fontsize=10)
    axis.set_xlabel("clicks a page")
axes[0].set_yticks(range(len(ASSUMPTIONS)), list(ASSUMPTIONS))
axes[0].invert_yaxis()
figure.tight_layout()

# %%
# **Gate.** Switch only if the lower limit of the difference is above zero, and enough pages speak. This is what
# ``python -m sb3_ecom gate`` does, with exit code 0 for yes.
for name, found in judged.items():
    verdict = "switch" if found.passes(500) else "stay"
    low, high, pages = found.difference.low, found.difference.high, found.effective_pages
    print(f"{name}: {low:+.3f} to {high:+.3f} clicks a page on {pages:,.0f} effective pages: {verdict}")

# %%
# A policy that never shows what was logged can not be judged at all, and the answer is an error, not a number:
try:
    judge(visits, Candidate("alien", RulePolicy("EcomRec-v0", "popularity").act_with_scores, world))
except ValueError as error:
    print(error)
