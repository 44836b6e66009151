"""Slates drawn with known propensities, and the propensities of slates that were drawn.

The propensity of a slot is the chance of its item given the items above it, so the product over a slate is
the chance of the whole slate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KINDS = ("none", "epsilon", "plackett-luce")


@dataclass(frozen=True)
class Exploration:
    """How a served slate may differ from the best one.

    Attributes:
        kind: "none" shows the best slate; "epsilon" shows, with chance `strength`, K open items in random
            order; "plackett-luce" draws item after item with chances proportional to
            exp(score / `strength`).
        strength: epsilon in (0, 1], or the temperature, > 0, in units of the scores.

    Raises:
        ValueError: on another kind or a strength out of bounds.
    """

    kind: Literal["none", "epsilon", "plackett-luce"] = "none"
    strength: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"exploration must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.kind == "epsilon" and not 0 < self.strength <= 1:
            raise ValueError(f"epsilon must be in (0, 1], got {self.strength}")
        if self.kind == "plackett-luce" and not (self.strength > 0 and np.isfinite(self.strength)):
            raise ValueError(f"the temperature of plackett-luce must be > 0, got {self.strength}")

    def __str__(self) -> str:
        """Return what `parse_exploration` reads."""
        return self.kind if self.kind == "none" else f"{self.kind}:{self.strength:g}"

    def draw(self, scores: Floats, size: int, generator: np.random.Generator) -> Ints:
        """Return a slate of at most `size` different items, best or first drawn on top.

        Args:
            scores: (N,) of every item, -inf where it can not be shown.
            size: K.
            generator: draws.
        """
        open_items = np.flatnonzero(scores > -np.inf)
        size = min(size, open_items.size)
        if self.kind == "plackett-luce":
            keys = scores[open_items] / self.strength + generator.gumbel(size=open_items.size)
            return np.asarray(open_items[np.argsort(-keys, kind="stable")[:size]])
        if self.kind == "epsilon" and generator.random() < self.strength:
            return np.asarray(generator.permutation(open_items)[:size])
        return best_slate(scores, size)

    def propensities(self, scores: Floats, slate: Ints) -> Floats:
        """Return the (K,) chances of a slate's items, each given those above it.

        Args:
            scores: (N,) of every item, -inf where it can not be shown.
            slate: (K,) different items.
        """
        if self.kind == "plackett-luce":
            return _plackett_luce(scores / self.strength, slate)
        matches = np.cumprod(best_slate(scores, slate.size) == slate)
        if self.kind == "none":
            return matches.astype(np.float64)
        free = np.count_nonzero(scores > -np.inf) - np.arange(slate.size)
        prefix = self.strength * np.cumprod(1.0 / free) + (1.0 - self.strength) * matches
        if not (scores[slate] > -np.inf).all():
            prefix = prefix * np.cumprod(scores[slate] > -np.inf)
        before = np.concatenate([[1.0], prefix[:-1]])
        chances = np.divide(prefix, before, out=np.zeros_like(prefix), where=before > 0)
        return np.asarray(chances)

    def next_item(self, scores: Floats, prefix: Ints) -> Floats:
        """Return the (N,) chances of the item that follows those of `prefix`, which was drawn.

        Args:
            scores: (N,) of every item, -inf where it can not be shown.
            prefix: (k,) different open items; at least one item must be left.
        """
        free = scores > -np.inf
        free[prefix] = False
        if self.kind == "plackett-luce":
            logits = np.where(free, scores / self.strength, -np.inf)
            weights = np.exp(logits - logits.max())
            return np.asarray(weights / weights.sum())
        best = np.zeros(scores.size)
        best[best_slate(scores, prefix.size + 1)[-1]] = 1.0
        if self.kind == "none":
            return best
        places = np.count_nonzero(free) + prefix.size - np.arange(prefix.size)
        drawn = self.strength * float(np.prod(1.0 / places))
        chosen = (1.0 - self.strength) * float(np.all(best_slate(scores, prefix.size) == prefix))
        share = drawn / (drawn + chosen)
        return np.asarray(share * free / np.count_nonzero(free) + (1.0 - share) * best)


def parse_exploration(text: str) -> Exploration:
    """Read ``none``, ``epsilon:0.05`` or ``plackett-luce:0.5``.

    Raises:
        ValueError: on anything else.
    """
    kind, colon, strength = text.partition(":")
    if kind == "none" and not colon:
        return Exploration()
    try:
        return Exploration(kind, float(strength))  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(
            f"exploration must be none, epsilon:E or plackett-luce:TEMPERATURE, got {text!r}: {error}"
        ) from error


def best_slate(scores: Floats, size: int) -> Ints:
    """Return the `size` items with the highest scores, best first; equal scores in order of their number."""
    return np.argsort(-scores, kind="stable")[:size].astype(np.int64)


def _plackett_luce(logits: Floats, slate: Ints) -> Floats:
    top = logits.max()
    weights = np.exp(logits - top)
    chosen = weights[slate]
    # What is left for each slot, summed from below: subtracting from the whole would cancel to nothing.
    mask = np.ones(weights.size, dtype=bool)
    mask[slate] = False
    left = weights[mask].sum() + np.cumsum(chosen[::-1])[::-1]
    return np.asarray(np.divide(chosen, left, out=np.zeros_like(chosen), where=left > 0))
