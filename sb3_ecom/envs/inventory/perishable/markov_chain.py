"""A perishable item as a Markov chain, on the environment's own dynamics and costs."""

from __future__ import annotations

import numpy as np

from sb3_ecom.envs.inventory.markov import Rule, Units, Values, average_cost
from sb3_ecom.envs.inventory.perishable.dynamics import State, placed_order, step
from sb3_ecom.envs.inventory.perishable.params import PerishableParams
from sb3_ecom.envs.inventory.perishable.rewards import costs


def state_of(params: PerishableParams, units: Units) -> State:
    """Return the state that (k, w) units by age and in the pipeline are."""
    life = params.shelf_life
    return State(units[:, :life].astype(np.float32), units[:, life:].astype(np.float32))


def advance(params: PerishableParams, units: Units, order: Units, demand: Units) -> tuple[Units, Values]:
    """Return the (k, w) next states and the (k,) costs of the period."""
    state = state_of(params, units)
    placed = placed_order(state, order.astype(np.float32), params.position_limit)
    after, outcome = step(state, placed, demand.astype(np.float32), params)
    following = np.concatenate([after.on_hand, after.pipeline], axis=1).astype(np.int64)
    return following, np.asarray(costs(outcome, params).total, dtype=np.float64)


def expected_cost(params: PerishableParams, units: Units, order: Units) -> Values:
    """Return the expected cost of a period, (k,)."""
    cost = np.zeros(len(units))
    for demand, chance in enumerate(params.pmf()):
        cost += chance * advance(params, units, order, np.full(len(units), demand))[1]
    return cost


def rule_cost(params: PerishableParams, rule: Rule) -> float:
    """Return the exact average cost per period of an ordering rule."""
    chances = params.pmf()
    many = len(chances)

    def transition(units: Units) -> tuple[Values, Units, Values]:
        orders = np.clip(rule(units), 0, params.order_limit)
        demand = np.tile(np.arange(many), len(units))
        after, charged = advance(params, np.repeat(units, many, 0), np.repeat(orders, many), demand)
        return charged.reshape(-1, many) @ chances, after.reshape(len(units), many, -1), chances

    start = np.zeros(params.shelf_life + params.lead_time - 1, dtype=np.int64)
    return average_cost(transition, start)
