"""The cross-entropy method: search of a few numbers by draws whose best make the next draws' distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array


class Search(NamedTuple):
    """Size and pace of a search.

    Attributes:
        rounds: of `candidates` each.
        candidates: draws of a round; the first is the centre itself.
        elite: best ones that move the distribution.
        step: share of the way from the old centre to the elite's mean.
        keep: share of the old spread that stays.
        gain: share of the elite's spread in the new one.
        floor: smallest spread of the elite that counts.
    """

    rounds: int
    candidates: int
    elite: int
    step: float = 1.0
    keep: float = 0.2
    gain: float = 0.7
    floor: float = 0.01

    @property
    def tried(self) -> int:
        """Candidates of the whole search."""
        return self.rounds * self.candidates


def cross_entropy(
    score: Callable[[Array, int], float],
    start: Array,
    spread: Array,
    search: Search,
    *,
    low: Array | float = -np.inf,
    high: Array | float = np.inf,
    seed: int = 0,
) -> Array:
    """Return the centre of the last round, (d,).

    Args:
        score: of (d,) numbers in a round, larger is better; the candidates of a round should meet the same
            random numbers, so that they are compared and not their luck.
        start: (d,) first centre.
        spread: (d,) first standard deviations.
        search: its size and pace.
        low: (d,) or one number that no candidate goes below.
        high: nor above.
        seed: of the draws.

    Source: Rubinstein (1999), "The cross-entropy method for combinatorial and continuous optimization".
    """
    source = np.random.default_rng(seed)
    centre, width = np.array(start, dtype=np.float64), np.array(spread, dtype=np.float64)
    for number in range(search.rounds):
        drawn = centre + width * source.standard_normal((search.candidates, len(centre)))
        drawn[0] = centre
        drawn = np.clip(drawn, low, high)
        scores = np.array([score(candidate, number) for candidate in drawn])
        best = drawn[np.argsort(-scores)[: search.elite]]
        centre = (1 - search.step) * centre + search.step * best.mean(axis=0)
        width = search.keep * width + search.gain * np.maximum(best.std(axis=0), search.floor)
    return np.asarray(np.clip(centre, low, high))
