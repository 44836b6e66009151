"""A perishable item as a Markov chain on the environment's own dynamics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sb3_ecom.envs.inventory.markov import Units, Values, average_cost
from sb3_ecom.envs.inventory.perishable.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.perishable.params import PerishableParams

Rule = Callable[[Units], Units]  # (n, w) shelf and pipeline -> (n,) units to order


def advance(params: PerishableParams, units: Units, order: Units, demand: Units) -> tuple[Units, Values]:
    """Return the (k, w) next states and the (k,) costs of the period."""
    life = params.shelf_life
    state = State(units[:, :life].astype(np.float32), units[:, life:].astype(np.float32))
    after, outcome = step(params, state, order.astype(np.float32), demand.astype(np.float32))
    following = np.concatenate([after.shelf, after.pipeline], axis=1).astype(np.int64)
    return following, _cost(params, outcome)


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
        after, costs = advance(params, np.repeat(units, many, 0), np.repeat(orders, many), demand)
        return costs.reshape(-1, many) @ chances, after.reshape(len(units), many, -1), chances

    start = np.zeros(params.shelf_life + params.lead_time - 1, dtype=np.int64)
    return average_cost(transition, start)


def _cost(params: PerishableParams, outcome: Outcome) -> Values:
    return np.asarray(
        params.order_cost * outcome.order
        + params.holding_cost * outcome.kept
        + params.penalty * outcome.lost
        + params.waste_cost * outcome.wasted,
        dtype=np.float64,
    )
