"""Dual sourcing as a Markov chain: expected costs on the environment's own dynamics."""

from __future__ import annotations

import numpy as np

from sb3_ecom.envs.inventory.demand import expected_left_and_unmet
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Orders, Outcome, State, placed_orders, step
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.dual_sourcing.rewards import costs
from sb3_ecom.envs.inventory.markov import Rule, Units, Values, average_cost


def expected_cost(params: DualSourcingParams, units: Units, orders: Units) -> Values:
    """Return the expected cost of a period, (k,)."""
    _, placed = _place(params, units, orders)
    at_hand = (units[:, 0] + placed.express).astype(np.int64)
    left, waiting = expected_left_and_unmet(params.pmf(), params.demand_mean, at_hand)
    expected = Outcome(*placed, params.demand_mean, left, waiting)
    return np.asarray(costs(expected, params).total, dtype=np.float64)


def move(params: DualSourcingParams, units: Units, orders: Units, demand: Units) -> Units:
    """Return the (k, w) next states."""
    after, _ = step(*_place(params, units, orders), demand.astype(np.float32), params)
    return np.concatenate([after.on_hand[:, None], after.pipeline], axis=1).astype(np.int64)


def rule_cost(params: DualSourcingParams, rule: Rule) -> float:
    """Return the exact average cost per period of a rule that returns (n, 2) orders."""
    pmf = params.pmf()
    top = min(params.order_limit, len(pmf) - 1)  # demand beyond the largest express order counts as that
    chances = np.append(pmf[:top], pmf[top:].sum())
    demands = np.arange(top + 1)

    def transition(units: Units) -> tuple[Values, Units, Values]:
        orders = np.clip(rule(units), 0, params.order_limit)
        many = len(demands)
        after = move(
            params, np.repeat(units, many, 0), np.repeat(orders, many, 0), np.tile(demands, len(units))
        )
        return expected_cost(params, units, orders), after.reshape(len(units), many, -1), chances

    return average_cost(transition, np.full(params.regular_lead_time, max(round(params.demand_mean), 1)))


def _place(params: DualSourcingParams, units: Units, orders: Units) -> tuple[State, Orders]:
    """Return the state that the (k, w) units are, and what is placed of the (k, 2) orders."""
    state = State(units[:, 0].astype(np.float32), units[:, 1:].astype(np.float32))
    wanted = orders.astype(np.float32)
    return state, placed_orders(state, Orders(wanted[:, 0], wanted[:, 1]), params.position_limit)
