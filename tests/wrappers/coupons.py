"""A constrained task whose optimum is computed exactly: whom to give a coupon under a budget.

Visitors of J types come one after another; a coupon to type j gains value v_j and costs c_j. To gain the
most with an expected spend of at most the budget per episode is a fractional knapsack: the types are served
in the order of v_j / c_j until the budget is used, and the last price paid is the optimal multiplier.
"""

from typing import NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import array_namespace
from sb3_ecom.core.task import Task

TYPES, HORIZON, BUDGET = 10, 5, 4.0
VALUE = np.linspace(0.4, 2.2, TYPES).astype(np.float32)[[3, 7, 0, 9, 5, 1, 8, 2, 6, 4]]
COST = np.linspace(0.6, 2.0, TYPES).astype(np.float32)


class Outcome(NamedTuple):
    value: np.ndarray  # (n,)
    spend: np.ndarray  # (n,)


class VisitorTypes:
    """Observes the (n,) type of the visitor, which is all that is tracked."""

    def open(self, event, tables):
        return event

    def decode(self, tracked, action, tables):
        return action * np.float32(1.0)

    def note(self, tracked, decision, event, tables):
        return event

    def observe(self, tracked, tables):
        return np.eye(TYPES, dtype=np.float32)[tracked]


class CouponTask(Task):
    """Give the visitor a coupon (1) or not (0)."""

    def __init__(self):
        self.observation_space = spaces.Box(0.0, 1.0, (TYPES,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.horizon = HORIZON
        self.reward_weights = {"value": 1.0, "spend": 0.0}
        self.tracker = VisitorTypes()

    def draw_reset(self, source, n):
        return source.uniform((n,))

    draw_step = draw_reset

    def start(self, noise):
        kind = (noise * TYPES).astype(np.int64)
        return kind, kind * 1  # the event must not share the state's array

    def simulate(self, hidden, given, noise):
        outcome = Outcome(VALUE[hidden] * given, COST[hidden] * given)
        return (noise * TYPES).astype(np.int64), outcome

    def public_event(self, hidden, outcome):
        return hidden * 1

    def terms(self, outcome):
        return {"value": outcome.value, "spend": outcome.spend}

    def terminated(self, outcome):
        xp = array_namespace(outcome.value)
        return xp.zeros(outcome.value.shape) > 0


def optimum(budget=BUDGET):
    """Return (value per episode, optimal multiplier) of the fractional knapsack."""
    left, value, price = budget, 0.0, 0.0
    for kind in np.argsort(-VALUE / COST):
        visits = HORIZON / TYPES  # expected per episode
        share = min(1.0, left / (visits * COST[kind]))
        value += share * visits * VALUE[kind]
        left -= share * visits * COST[kind]
        price = VALUE[kind] / COST[kind]
        if share < 1.0:
            break
    return float(value), float(price)


def exact(model):
    """Return the expected (value, spend) per episode of a model's action probabilities."""
    observation, _ = model.policy.obs_to_tensor(np.eye(TYPES, dtype=np.float32))
    given = model.policy.get_distribution(observation).distribution.probs[:, 1].detach().numpy()
    return float((given * VALUE).sum() * HORIZON / TYPES), float((given * COST).sum() * HORIZON / TYPES)
