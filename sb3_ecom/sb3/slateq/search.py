"""Slates of highest value where a user picks at most one item of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_ROUNDS = 50  # of Dinkelbach's search, which ends by itself after a handful
_NEVER = float("-inf")


class Choices(NamedTuple):
    """Items to build a page of: item i is picked with probability w_i / (w_0 + sum of the page's w)."""

    weights: Tensor  # (n, m) choice weights w_i, >= 0
    values: Tensor  # (n, m) value of a page on which item i is picked
    null_weight: Tensor  # (n,) w_0 of picking nothing, > 0
    null_value: Tensor  # (n,) value of a page on which nothing is picked
    closed: Tensor | None = None  # (n, m) bool, items not to be shown while others are left


Search = Callable[[Choices, int], Tensor]


def slate_value(choices: Choices, slate: Tensor) -> Tensor:
    """Return (n,) values of (n, K) slates: sum_i P(i | s, A) Q(s, i), nothing picked among the i."""
    weights, values = choices.weights.gather(1, slate), choices.values.gather(1, slate)
    total = (weights * values).sum(1) + choices.null_weight * choices.null_value
    return total / (weights.sum(1) + choices.null_weight)


def _top_k(choices: Choices, size: int) -> Tensor:
    """Return (n, K) items of highest w_i (Q_i - Q_0), best first. The paper's formula, where Q_0 is 0."""
    return _best(choices, choices.null_value, size)


def greedy(choices: Choices, size: int) -> Tensor:
    """Return (n, K) items, each the one that lifts the slate's value most beside those before it."""
    weighted = choices.weights * choices.values
    top, bottom = choices.null_weight * choices.null_value, choices.null_weight
    taken = torch.zeros_like(weighted, dtype=torch.bool)
    places = []
    for _ in range(size):
        ratio = (top[:, None] + weighted) / (bottom[:, None] + choices.weights)
        if choices.closed is not None:
            ratio = torch.where(choices.closed, ratio - ratio.max() + ratio.min() - 1.0, ratio)
        place = ratio.masked_fill(taken, _NEVER).argmax(1, keepdim=True)
        taken = taken.scatter(1, place, True)
        top = top + weighted.gather(1, place)[:, 0]
        bottom = bottom + choices.weights.gather(1, place)[:, 0]
        places.append(place)
    return torch.cat(places, 1)


def exact(choices: Choices, size: int) -> Tensor:
    """Return (n, K) slates of highest value, their best items first.

    A page's value is a ratio of sums. For a guess x of the best ratio, the best page holds the K highest
    w_i (Q_i - x); its own ratio is the next guess. The guesses rise and stop at the optimum, which the
    paper finds with a linear program. Source: Dinkelbach 1967; Ie et al. 2019 (arXiv:1905.12767), sec. 4.
    """
    slate = _best(choices, choices.null_value, size)
    ratio = slate_value(choices, slate)
    for _ in range(_ROUNDS):
        slate = _best(choices, ratio, size)
        better = slate_value(choices, slate)
        if not bool((better > ratio + 1e-6 * (1.0 + ratio.abs())).any()):
            break
        ratio = better
    return slate


SEARCHES: dict[str, Search] = {"top_k": _top_k, "greedy": greedy, "exact": exact}


def _best(choices: Choices, reference: Tensor, size: int) -> Tensor:
    advantage = choices.weights * (choices.values - reference[:, None])
    if choices.closed is not None:
        advantage = torch.where(
            choices.closed, advantage - advantage.max() + advantage.min() - 1.0, advantage
        )
    return advantage.topk(size, dim=1).indices
