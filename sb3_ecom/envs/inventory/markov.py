"""Average-cost Markov tools: relative value iteration with span bounds, and exact policy costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLAIN_STEPS = 200  # full steps of value iteration before they are shortened

Values = NDArray[Any]
Units = NDArray[Any]

#: (n, w) units on hand and in the pipeline -> (n,) or (n, orders) units to order
Rule = Callable[[Units], NDArray[Any]]

#: (k, w) whole-unit states -> expected cost (k,), next states (k, m, w), probabilities (m,)
Transition = Callable[[Units], tuple[Values, Units, Values]]


@dataclass(frozen=True, kw_only=True)
class AverageCost:
    """Span bounds on the optimal average cost, and relative values."""

    lower: float  # cost/period
    upper: float  # cost/period
    values: Values  # relative value of each state

    @property
    def cost(self) -> float:
        """Midpoint of the bounds, cost/period."""
        return (self.lower + self.upper) / 2


def relative_value_iteration(
    bellman: Callable[[Values], Values],
    shape: Sequence[int],
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 20_000,
) -> AverageCost:
    """Iterate `bellman` (costs are minimised) until the span of one update is below `tolerance`.

    The average cost of the optimal policy lies between the smallest and the largest update. Where the
    optimal policy runs in cycles, plain iteration would circle: late steps are shortened.

    Raises:
        RuntimeError: if the bounds do not close in `max_iterations`.
    """
    values = np.zeros(tuple(shape))
    lower, upper = -np.inf, np.inf
    for iteration in range(max_iterations):
        change = bellman(values) - values
        lower, upper = float(change.min()), float(change.max())
        values = values + change * (1.0 if iteration < _PLAIN_STEPS else 0.7)
        values -= values.flat[0]
        if upper - lower < tolerance:
            return AverageCost(lower=lower, upper=upper, values=values)
    raise RuntimeError(
        f"value iteration left bounds [{lower}, {upper}] after {max_iterations} iterations: "
        f"they are wider than {tolerance}"
    )


def average_cost(transition: Transition, start: Units, *, max_states: int = 2_000_000) -> float:
    """Return the exact long-run average cost of the policy inside `transition`, from state `start` (w,).

    All states reachable from `start` are listed, then the stationary distribution is found by power
    iteration.

    Raises:
        ValueError: if more than `max_states` states are reachable.
    """
    states, costs, matrix = _reachable(transition, start, max_states)
    weight = np.full(len(states), 1 / len(states))
    previous = np.inf
    for sweep in range(1, 100_001):
        weight = matrix @ weight
        if sweep % 20 == 0:
            now = float(weight @ costs)
            if abs(now - previous) < 1e-9 * max(abs(now), 1.0):
                return now / float(weight.sum())
            previous = now
    return previous / float(weight.sum())


def _reachable(transition: Transition, start: Units, max_states: int) -> tuple[Units, Values, Any]:
    """Return reachable states (k, w), their costs (k,) and the transposed transition matrix (k, k)."""
    from scipy import sparse

    low, radix = -4096, 8192  # units per column: codes of five columns fit into 64 bits
    frontier = np.asarray(start, dtype=np.int64)[None]
    if frontier.shape[1] > 4:
        low, radix = -64, 256
    seen = _encode(frontier, low, radix)
    sources, targets, chances, cost_codes, costs = [], [], [], [], []
    while len(frontier):
        cost, after, probabilities = transition(frontier)
        codes = _encode(frontier, low, radix)
        after_codes = _encode(after.reshape(-1, frontier.shape[1]), low, radix)
        cost_codes.append(codes)
        costs.append(cost)
        sources.append(np.repeat(codes, len(probabilities)))
        targets.append(after_codes)
        chances.append(np.tile(probabilities, len(codes)))
        fresh, where = np.unique(after_codes, return_index=True)
        new = ~np.isin(fresh, seen, assume_unique=True)
        frontier = after.reshape(-1, frontier.shape[1])[where[new]]
        seen = np.concatenate([seen, fresh[new]])
        if len(seen) > max_states:
            raise ValueError(f"more than {max_states} states are reachable: the policy is too large to solve")
    order = np.argsort(np.concatenate(cost_codes))
    index = np.concatenate(cost_codes)[order]
    rows = np.searchsorted(index, np.concatenate(targets))
    columns = np.searchsorted(index, np.concatenate(sources))
    matrix = sparse.csr_matrix((np.concatenate(chances), (rows, columns)), shape=(len(index), len(index)))
    return index, np.concatenate(costs)[order], matrix


def _encode(states: Units, low: int, radix: int) -> Units:
    codes = np.zeros(len(states), dtype=np.int64)
    for column in states.T:
        if column.size and (column.min() < low or column.max() >= low + radix):
            extreme = max(column.min(), column.max(), key=abs)
            raise ValueError(f"stock must lie in [{low}, {low + radix}) units to be solved, got {extreme}")
        codes = codes * radix + (column - low)
    return codes


def local_search(
    cost: Callable[[tuple[int, ...]], float], start: tuple[int, ...], low: tuple[int, ...]
) -> tuple[tuple[int, ...], float]:
    """Return the whole numbers that no step of +-1 (one at a time, or two in turn) improves."""
    known: dict[tuple[int, ...], float] = {}

    def at(point: tuple[int, ...]) -> float:
        if point not in known:
            known[point] = cost(point)
        return known[point]

    def allowed(point: tuple[int, ...]) -> bool:
        return all(x >= bound for x, bound in zip(point, low, strict=True))

    best = start
    moved = True
    while moved:
        moved = False
        for step in _steps(len(start)):
            point = tuple(x + d for x, d in zip(best, step, strict=True))
            while allowed(point) and at(point) < at(best) - 1e-12:
                best, moved = point, True
                point = tuple(x + d for x, d in zip(best, step, strict=True))
    return best, at(best)


def _steps(dimensions: int) -> list[tuple[int, ...]]:
    unit = [tuple(s * (i == k) for i in range(dimensions)) for k in range(dimensions) for s in (1, -1)]
    pairs = [
        tuple(a * (i == j) + b * (i == k) for i in range(dimensions))
        for j in range(dimensions)
        for k in range(j + 1, dimensions)
        for a in (1, -1)
        for b in (1, -1)
    ]
    return unit + pairs
