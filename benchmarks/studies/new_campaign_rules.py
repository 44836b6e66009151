r"""What do rules earn on a new campaign (EcomAds-v0, preset "newcampaign") when they are tuned for it?

At which hours the campaign's audience buys is hidden and new every day, and conversions arrive late. Each
rule's parameters come from a random search on 256 days of their own, which `--tune` repeats; the rules then
meet common days. Answer: benchmarks/results/new_campaign_rules.csv. The table of the search that chose these
parameters, beside learners, is benchmarks/results/new_campaign.csv.

    python benchmarks/studies/new_campaign_rules.py
    python benchmarks/studies/new_campaign_rules.py --tune 60

Learners on the same days: PPO shifts what the model-predictive bidder without conversion feedback bids, and
earns expected conversions less those of a twin who bids by the rule alone; with the last tick, the flat
window, or an LSTM over it:

    python benchmarks/ladder.py EcomAds-v0 --episodes 2048 --env-kwargs preset:newcampaign \
        --train-kwargs "reward_weights:{'expected': 1.0}" --policies LastClickPolicy MlpPolicy LstmPolicy \
        --hyperparams n_timesteps:600000 n_epochs:3 learning_rate:lin_2e-3 \
        "vec_env_wrapper:[{'sb3_ecom.sb3.VecResidual': {'rule': 'model_predictive', 'max_offset': 2.0}}]"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from records import save

import sb3_ecom
from sb3_ecom.core.statistics import difference, estimate_mean
from sb3_ecom.envs.advertising.pacing.baselines import ModelPredictive
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.rules import MarginalReturn
from sb3_ecom.envs.advertising.pacing.smoothing import Smoothed

ENV_ID, PRESET = "EcomAds-v0", "newcampaign"
DAYS, SEARCH_DAYS = 7, 1_224  # seeds of the days that everybody meets, and of the search
Parameters = dict[str, float]


def smoothed(task: PacingTask, **parameters: float) -> Any:
    """Return the planner that smooths late conversions."""
    return Smoothed(task, **parameters)


def marginal(task: PacingTask, **parameters: float) -> Any:
    """Return the greedy bidder by marginal return."""
    return MarginalReturn(task, **parameters)


def believing(task: PacingTask, **parameters: float) -> Any:
    """Return the planner with a Bayes filter over regimes, who takes the market to have these parameters."""
    other = PacingTask(PRESET)
    other.params = replace(task.params, **{**parameters, "switch": min(parameters["switch"], 0.5)})
    return ModelPredictive(other, dayparting=False, feedback=True)


#: Rule -> (make, best parameters found, steps of the search: within [0, .99], or of the logarithm if < 0).
TUNED: dict[str, tuple[Callable[..., Any], Parameters, Parameters]] = {
    "model_predictive_smoothed, tuned": (
        smoothed,
        {"decay": 0.011, "prior": 20.0, "gain": 1.57, "persistence": 0.59},
        {"decay": 0.1, "prior": -0.6, "gain": -0.4, "persistence": 0.15},
    ),
    "marginal_return, tuned": (
        marginal,
        {"tension": 3.7, "decay": 0.0, "prior": 98.0},
        {"tension": -0.4, "decay": 0.1, "prior": -0.7},
    ),
    "model_predictive_feedback, tuned": (
        believing,
        {"quality_regime": 0.45, "switch": 0.15, "delay": 2.5},
        {"quality_regime": -0.3, "switch": -0.5, "delay": -0.3},
    ),
}


def search(name: str, tries: int, days: int) -> None:
    """Walk from the known parameters at random, keeping what is better; print every improvement."""
    make, parameters, steps = TUNED[name]
    task, draw, best = PacingTask(PRESET), np.random.default_rng(1), -np.inf
    for number in range(tries):
        tried = dict(parameters)
        for key, step in steps.items() if number else ():
            change = step * draw.standard_normal()
            tried[key] = (
                tried[key] * np.exp(change) if step < 0 else float(np.clip(tried[key] + change, 0, 0.99))
            )
        policy = make(task, **tried)
        value = sb3_ecom.evaluate(ENV_ID, policy, episodes=days, seed=SEARCH_DAYS, preset=PRESET).mean
        if value > best:
            best, parameters = value, tried
            print(
                f"{name} {number}: {value:.1f}",
                {key: round(x, 3) for key, x in parameters.items()},
                flush=True,
            )


def main() -> None:
    """Tune, or measure every rule and write the table, worst first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=2048)
    parser.add_argument("--tune", type=int, default=0, metavar="TRIES", help="only search the parameters")
    options = parser.parse_args()
    if options.tune:
        for name in TUNED:
            search(name, options.tune, 256)
        return
    task, entry = PacingTask(PRESET), sb3_ecom.spec(ENV_ID)
    policies: dict[str, Any] = {name: name for name in ("random", *entry.baselines, *entry.privileged)}
    policies |= {name: make(task, **found) for name, (make, found, _) in TUNED.items()}
    returns = {
        name: sb3_ecom.evaluate(ENV_ID, policy, episodes=options.days, seed=DAYS, preset=PRESET).returns
        for name, policy in policies.items()
    }
    best = max(TUNED, key=lambda name: float(returns[name].mean()))
    rows = []
    for name, found in sorted(returns.items(), key=lambda row: float(row[1].mean())):
        own, gap = estimate_mean(found), difference(found, returns[best])
        numbers = [f"{number:.2f}" for number in (*own[:2], *gap[:2])]
        rows.append((name, options.days, *numbers))
    columns = ("policy", "days", "conversions", "stderr", f"minus {best}", "minus_stderr")
    save("new_campaign_rules.csv", columns, rows)


if __name__ == "__main__":
    main()
