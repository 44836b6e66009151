"""Dual sourcing as a Markov chain: expected costs on the environment's own dynamics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sb3_ecom.envs.inventory.demand import expected_leftover
from sb3_ecom.envs.inventory.dual_sourcing.dynamics import Outcome, State, step
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams
from sb3_ecom.envs.inventory.markov import Units, Values, average_cost

Rule = Callable[[Units], Units]  # (n, w) net stock and pipeline -> (n, 2) regular and express units


def expected_cost(params: DualSourcingParams, units: Units, orders: Units) -> Values:
    """Return the expected cost of a period, (k,)."""
    outcome = _advance(params, units, orders, np.zeros(len(units)))[1]
    at_hand = (units[:, 0] + outcome.express).astype(np.int64)
    left = expected_leftover(params.pmf(), at_hand)
    waiting = params.demand_mean - at_hand + left
    bought = params.regular_cost * outcome.regular + params.express_cost * outcome.express
    return np.asarray(bought + params.holding_cost * left + params.penalty * waiting, dtype=np.float64)


def move(params: DualSourcingParams, units: Units, orders: Units, demand: Units) -> Units:
    """Return the (k, w) next states."""
    after = _advance(params, units, orders, demand)[0]
    return np.concatenate([after.stock[:, None], after.pipeline], axis=1).astype(np.int64)


def rule_cost(params: DualSourcingParams, rule: Rule) -> float:
    """Return the exact average cost per period of an ordering rule."""
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


def _advance(params: DualSourcingParams, units: Units, orders: Units, demand: Units) -> tuple[State, Outcome]:
    state = State(units[:, 0].astype(np.float32), units[:, 1:].astype(np.float32))
    placed = orders.astype(np.float32)
    return step(params, state, placed[:, 0], placed[:, 1], demand.astype(np.float32))
