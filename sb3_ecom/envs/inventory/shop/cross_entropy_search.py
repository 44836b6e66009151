"""Cross-entropy search of a rule's parameters, all items at once.

The grid search scores items one by one and moves them together at the end; here their interplay in the
shared storage counts too, at the price of some hundreds of simulations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.cross_entropy import Search, cross_entropy

SEARCH = Search(rounds=14, candidates=24, elite=6, step=0.5, keep=0.7, gain=0.3, floor=0.04)


def refine(
    score: Callable[[Array, int], float], start: Array, *, rounds: int = SEARCH.rounds
) -> tuple[Array, int]:
    """Return better parameters, (d,), and the number of simulations spent.

    Args:
        score: mean profit of parameters in the half-years of a round: the candidates of a round meet the
            same ones, every round has its own, so that no candidate wins by the luck of one sample.
        start: (d,) parameters to begin with.
        rounds: of 24 candidates each.
    """
    search = SEARCH._replace(rounds=rounds)
    return cross_entropy(score, start, np.full(len(start), 0.3), search), search.tried
