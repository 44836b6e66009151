"""Does the sales history of EcomInventory-v0 say more of the hidden rates than the textbook estimate?

Half-years under the best tuned rule; the hidden log rate of every item is regressed on the log of the
estimate that the observation shows, without and with the 14 days of history (sales over what a usual item
would have sold on those dates, and empty shelves). Shares of variance explained in half-years that the fit
has not seen. Where the two agree, a policy with a memory has little to find.
Answer: benchmarks/results/shop_memory.csv.

    python benchmarks/studies/shop_memory.py
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from records import save

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.shop.env import ShopTask

ENV_ID, RULE = "EcomInventory-v0", "forecast_pro_rata"
WARMUP, EVERY = 40, 3  # days
Table = NDArray[np.float64]


def collect(copies: int, seed: int) -> tuple[Table, Table, Table]:
    """Return log estimates (m, N), hidden log rates (m, N) and histories (m, 28, N); m runs days x copies."""
    task = ShopTask()
    loop = StepLoop(task, copies)
    act, observation = sb3_ecom.spec(ENV_ID).baselines[RULE](task), loop.reset(seed)
    calendar, back = np.asarray(task.tables.public.calendar), np.arange(task.params.history, 0, -1)
    estimates, rates, histories = [], [], []
    for day in range(task.horizon - 1):
        if day >= WARMUP and day % EVERY == 0:
            state, view = loop.state.hidden, task.view(observation)
            weekdays = ((state.weekday[:, None] - back) % 7).astype(int)
            factor = calendar[weekdays, ((state.day[:, None] - back) % 365).astype(int)]
            usual = np.maximum(factor, 0.3)[:, :, None] * np.asarray(task.tables.public.mean)
            estimates.append(np.log(view.rate / np.asarray(task.tables.public.mean)))
            rates.append(state.drift.copy())
            histories.append(np.concatenate([np.log1p(view.sales / usual), view.stock_out], axis=1))
        observation = loop.step(act(observation)).observation
    return np.concatenate(estimates), np.concatenate(rates), np.concatenate(histories)


def explained(features: Table, target: Table, unseen: NDArray[np.bool_]) -> float:
    """Return the share of the target's variance that least squares explains in the unseen rows."""
    design = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    weights = np.linalg.lstsq(design[~unseen], target[~unseen], rcond=None)[0]
    error = target[unseen] - design[unseen] @ weights
    return float(1 - (error**2).mean() / target[unseen].var())


def main() -> None:
    """Regress, print and save: one line per item, and the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--copies", type=int, default=512, help="half-years; a fifth is kept from the fit")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    estimates, rates, histories = collect(options.copies, options.seed)
    unseen = np.arange(len(rates)) % options.copies >= 0.8 * options.copies
    found = []
    for item in range(rates.shape[1]):
        level = np.stack([estimates[:, item], estimates[:, item] ** 2], axis=1)
        both = np.concatenate([level, histories[:, :, item]], axis=1)
        found.append([explained(features, rates[:, item], unseen) for features in (level, both)])
    rows = [(name, *(f"{share:.3f}" for share in shares)) for name, shares in enumerate(found)]
    rows.append(("mean", *(f"{share:.3f}" for share in np.mean(found, axis=0))))
    save("shop_memory.csv", ("item", "estimate", "with history"), rows)


if __name__ == "__main__":
    main()
