"""Value iteration on a small grid, with the transitions taken from the environment's own dynamics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sb3_ecom.core.effort import check_cells
from sb3_ecom.envs.inventory.markov import Units, Values, relative_value_iteration

_MAX_CELLS = 60_000_000  # states x actions x demands; 4 bytes each

#: (k, w) states, (k, a) actions, (k,) demands -> (k, w) next states
Move = Callable[[Units, Units, Units], Units]


@dataclass(frozen=True, kw_only=True)
class Table:
    """An optimal policy on a grid of states."""

    cost: float  # cost/period
    low: Units  # (w,) smallest state
    high: Units  # (w,) largest state
    actions: Units  # (states, a) best action, states in C order

    def act(self, units: Units) -> Units:
        """Return the (n, a) best actions in (n, w) states, clipped to the grid."""
        inside = np.clip(units, self.low, self.high) - self.low
        return np.asarray(
            self.actions[np.ravel_multi_index(tuple(inside.T), tuple(self.high - self.low + 1))]
        )


def solve(
    low: Units, high: Units, actions: Units, pmf: Values, move: Move, cost: Callable[[Units, Units], Values]
) -> Table:
    """Return the optimal average cost and policy.

    Args:
        low: (w,) smallest state of the grid; states that leave the grid are moved to its edge.
        high: (w,) largest state.
        actions: (m, a) all actions.
        pmf: (d,) probability of each demand.
        move: next state, vectorised.
        cost: expected cost of a period, of (k, w) states and (k, a) actions.

    Raises:
        ValueError: if the grid is too large to sweep.
    """
    costs, after = _tabulate(low, high, actions, len(pmf), move, cost)

    def choices(values: Values) -> Values:
        ahead = np.array(costs)
        for a in range(len(actions)):
            for demand, chance in enumerate(pmf):
                ahead[a] += chance * values[after[a, demand]]
        return ahead

    optimum = relative_value_iteration(lambda values: choices(values).min(axis=0), costs.shape[1:])
    best = choices(optimum.values).argmin(axis=0)
    return Table(cost=optimum.cost, low=low, high=high, actions=actions[best])


def _tabulate(
    low: Units,
    high: Units,
    actions: Units,
    demands: int,
    move: Move,
    cost: Callable[[Units, Units], Values],
) -> tuple[Values, Units]:
    """Return costs (actions, states) and next states (actions, demands, states), numbered in C order."""
    shape = tuple(int(size) for size in high - low + 1)
    count = int(np.prod(shape, dtype=np.int64))
    cells = count * len(actions) * demands
    check_cells("lead times and shelf life", cells, _MAX_CELLS, "state-action-demand triples")
    states = np.stack(np.unravel_index(np.arange(count), shape), axis=1) + low
    costs = np.empty((len(actions), count))
    after = np.empty((len(actions), demands, count), dtype=np.int32)
    for a, action in enumerate(actions):
        chosen = np.broadcast_to(action, (count, len(action)))
        costs[a] = cost(states, chosen)
        for demand in range(demands):
            moved = np.clip(move(states, chosen, np.full(count, demand)), low, high) - low
            after[a, demand] = np.ravel_multi_index(tuple(moved.T), shape)
    return costs, after
