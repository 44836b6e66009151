"""A single item under an ordering rule as a Markov chain, on the environment's own dynamics and costs."""

from __future__ import annotations

import numpy as np

from sb3_ecom.envs.inventory.demand import expected_left_and_unmet
from sb3_ecom.envs.inventory.markov import Rule, Units, Values, average_cost
from sb3_ecom.envs.inventory.single_item.dynamics import State, at_hand, placed_order, step
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.rewards import holding_and_penalty, ordering


def rule_cost(params: SingleItemParams, rule: Rule) -> float:
    """Return the exact average cost per period of an ordering rule."""
    all_demands, all_chances = _demands(params)
    width = max(params.lead_time, 1)

    def transition(units: Units) -> tuple[Values, Units, Values]:
        demands, chances = all_demands, all_chances
        state = State(units[:, 0].astype(np.float32), units[:, 1:].astype(np.float32))
        wanted = np.clip(rule(units), 0, params.order_limit).astype(np.float32)
        order = placed_order(state, wanted, params.position_limit)
        stock = at_hand(units[:, 0], order, params).astype(np.int64)
        if params.unmet == "lost":  # all demands that empty every shelf lead to the same states
            few = min(int(np.searchsorted(all_demands, stock.max())) + 1, len(all_demands))
            chances = np.append(all_chances[: few - 1], all_chances[few - 1 :].sum())
            demands = demands[:few]
        many = len(demands)
        each = State(np.repeat(state.on_hand, many), np.repeat(state.pipeline, many, axis=0))
        after, _ = step(each, np.repeat(order, many), np.tile(demands, len(units)), params)
        following = np.concatenate([after.on_hand[:, None], after.pipeline], axis=1).astype(np.int64)
        ends = expected_left_and_unmet(params.pmf(), params.demand_mean, stock)
        cost = np.add(*holding_and_penalty(*ends, params)) + ordering(order, params)
        return cost, following.reshape(len(units), many, width), chances

    return average_cost(transition, np.full(width, max(round(params.demand_mean), 1)))


def _demands(params: SingleItemParams) -> tuple[Values, Values]:
    """Return demands that matter, float32, and their probabilities."""
    pmf = params.pmf()
    # With backlog, demand beyond the largest order could pile up without end: it counts as that order.
    top = params.order_limit if params.unmet == "backlog" else len(pmf) - 1
    chances = np.append(pmf[:top], pmf[top:].sum())
    likely = chances > 1e-12
    return np.flatnonzero(likely).astype(np.float32), chances[likely] / chances[likely].sum()
