"""Cross-entropy search of a rule's parameters, all items at once.

The grid search scores items one by one and moves them together at the end; here their interplay in the
shared storage counts too, at the price of some hundreds of simulations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sb3_ecom.core.arrays import Array

ROUNDS, CANDIDATES, ELITE = 14, 24, 6


def refine(score: Callable[[Array, int], float], start: Array, *, rounds: int = ROUNDS) -> tuple[Array, int]:
    """Return better parameters, (d,), and the number of simulations spent.

    Args:
        score: mean profit of parameters in the half-years of a round: the candidates of a round meet the
            same ones, every round has its own, so that no candidate wins by the luck of one sample.
        start: (d,) parameters to begin with.
        rounds: of 24 candidates each.

    Source: Rubinstein (1999), "The cross-entropy method for combinatorial and continuous optimization".
    """
    source = np.random.default_rng(0)
    centre, spread = np.array(start, dtype=np.float64), np.full(len(start), 0.3)
    for number in range(rounds):
        candidates = centre + spread * source.standard_normal((CANDIDATES, len(centre)))
        candidates[0] = centre
        scores = np.array([score(candidate, number) for candidate in candidates])
        best = candidates[np.argsort(-scores)[:ELITE]]
        centre = 0.5 * centre + 0.5 * best.mean(axis=0)
        spread = 0.7 * spread + 0.3 * np.maximum(best.std(axis=0), 0.04)
    return centre, rounds * CANDIDATES
