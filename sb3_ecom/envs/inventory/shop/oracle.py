"""Clairvoyant bound of a web shop: every demand known beforehand, supply instant, storage unlimited."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.inventory.markov import Values
from sb3_ecom.envs.inventory.shop.demand_paths import demand_paths
from sb3_ecom.envs.inventory.shop.env import ShopTask

_PATHS, _SEED = 256, 77  # half-years of the bound


def oracle(task: ShopTask) -> Oracle:
    """Return an upper bound on the return: the mean over demand paths of the relaxed optimum.

    Raises:
        ValueError: if the reward pays for what the relaxation leaves out: a weight below 0.
    """
    negative = {term: weight for term, weight in task.reward_weights.items() if weight < 0}
    if negative:
        raise ValueError(f"reward_weights must be >= 0 for an oracle, got {negative}")
    value, stderr = _mean_bound(task.signature)
    return Oracle(
        kind="bound",
        value=value,
        stderr=stderr,
        information=(
            "all demands of the episode beforehand; relaxed: no lead time, no storage limit, no trucks, any "
            f"day to order, one order line per item for free; mean of {_PATHS} half-years"
        ),
    )


@lru_cache(maxsize=8)
def _mean_bound(signature: tuple[Any, ...]) -> tuple[float, float]:
    task = ShopTask.from_signature(signature)
    profits = relaxed_profits(task, demand_paths(task, _PATHS, _SEED)).sum(axis=1)
    return float(profits.mean()), float(profits.std(ddof=1) / np.sqrt(_PATHS))


def relaxed_profits(task: ShopTask, demand: Values) -> Values:
    """Return the best profit of each path and item, (paths, N), in the relaxation, by dynamic programming.

    A delivery in the evening before day j may serve every later day; a unit sold on day u is charged for the
    u - j + 1 evenings between. A day that is not served pays the goodwill and forgoes the margin. The stock
    at the start saves at most one order line.

    Source: Wagner and Whitin (1958), Management Science 5(1), with lost sales.
    """
    tables, partner = task.tables.public, task.tables.hidden.partner
    margin, holding, line, goodwill = (
        np.asarray(getattr(tables, table), dtype=np.float64) * task.reward_weights.get(term, 0.0)
        for table, term in (("margin", "margin"), ("holding", "holding"), ("line", "lines"), ("lost", "lost"))
    )
    if task.params.substitution:
        # A customer may be served by either item of a pair, and one order line may serve both.
        margin = np.maximum(margin, margin[partner])
        holding, line = np.minimum(holding, holding[partner]), line / 2
    forgone = margin + goodwill
    days = len(demand)
    best = np.zeros(demand.shape[1:])  # least cost of the days so far
    open_orders = np.empty(demand.shape)  # least cost so far if the last delivery came before day j
    for day in range(days):
        open_orders[day] = best + (line if day else 0.0)
        evenings = np.arange(day + 1, 0, -1.0)
        evenings[0] -= 1  # the stock at the start was charged by nobody the evening before
        serve = np.minimum(evenings[:, None, None] * holding, forgone) * demand[day]
        open_orders[: day + 1] += serve
        best = np.minimum(best + forgone * demand[day], open_orders[: day + 1].min(axis=0))
    return np.asarray((demand * margin).sum(axis=0) - best)
