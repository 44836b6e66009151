"""Fits of a ranker to served pages: the chance of a click, and what a click is worth later."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_number
from sb3_ecom.logs.supervised.pages import ServedPages

_BATCH = 50_000  # pages in memory at double precision


def fit_clicks(pages: ServedPages, *, one_click: bool, ridge: float = 1.0, steps: int = 8) -> Array:
    """Return (f,) weights of the click model, by Newton's method on the penalised likelihood.

    With `one_click` a multinomial logit over the slots and "no click" (McFadden 1974), else a logistic
    regression a slot. Slots have effects of their own, which are fitted beside and not returned.

    Raises:
        ValueError: if `ridge` is not > 0, or nothing was clicked.
    """
    check_number("ridge", ridge, above=0)
    if not (pages.reward > 0).any():
        raise ValueError(f"a click model needs clicks, got 0 in {len(pages)} pages")
    width, slots = pages.shown.shape[2], pages.shown.shape[1]
    weights = np.zeros(width + slots - 1)
    for _ in range(steps):
        slope, curve = -ridge * weights, ridge * np.eye(len(weights))
        for x, filled, hit in _batches(pages):
            add = _choice if one_click else _single
            parts = add(x, filled, hit, x @ weights)
            slope, curve = slope + parts[0], curve + parts[1]
        move = np.linalg.solve(curve, slope)
        weights = weights + move / max(1.0, float(np.abs(move).max()) / 3.0)  # no step beyond 3
        if np.abs(move).max() < 1e-5:
            break
    return weights[:width]


def _batches(pages: ServedPages) -> Iterator[tuple[Array, Array, Array]]:
    """Yield features with slot effects (the first slot is the reference), filled slots and clicks."""
    slots = pages.shown.shape[1]
    for start in range(0, len(pages), _BATCH):
        part = slice(start, start + _BATCH)
        filled = pages.filled[part]
        places = np.broadcast_to(np.eye(slots)[:, 1:], (len(filled), slots, slots - 1)) * filled[..., None]
        yield (
            np.concatenate([pages.shown[part].astype(np.float64), places], axis=2),
            filled,
            (pages.reward[part] > 0) & filled,
        )


def _choice(x: Array, filled: Array, hit: Array, utility: Array) -> tuple[Array, Array]:
    weight = np.where(filled, np.exp(np.clip(utility, -30, 30)), 0.0)
    chance = weight / (1 + weight.sum(1, keepdims=True))
    mean = np.einsum("nk,nkf->nf", chance, x)
    flat, spread = x.reshape(-1, x.shape[2]), (chance.reshape(-1, 1))
    slope = flat.T @ (hit - chance).ravel()
    return slope, (flat * spread).T @ flat - mean.T @ mean


def _single(x: Array, filled: Array, hit: Array, utility: Array) -> tuple[Array, Array]:
    flat = x[filled]
    chance = 1 / (1 + np.exp(-np.clip(utility[filled], -30, 30)))
    return flat.T @ (hit[filled] - chance), (flat * (chance * (1 - chance))[:, None]).T @ flat


def fit_mean(pages: ServedPages, *, ridge: float = 1.0) -> Array:
    """Return (f,) weights of a least-squares fit of the slots' rewards: for what is no single click."""
    check_number("ridge", ridge, above=0)
    gram, moment = ridge * np.eye(pages.shown.shape[2]), np.zeros(pages.shown.shape[2])
    for start in range(0, len(pages), _BATCH):
        part = slice(start, start + _BATCH)
        x = pages.shown[part][pages.filled[part]].astype(np.float64)
        gram, moment = gram + x.T @ x, moment + x.T @ pages.reward[part][pages.filled[part]]
    return np.asarray(np.linalg.solve(gram, moment))


def fit_value(pages: ServedPages, *, ridge: float = 10.0, of_shown: bool = False) -> Array:
    """Return (f,) weights of what a click on an item adds to the rewards of the later pages.

    Least squares of what followed on the features of what was clicked, and on the visitor's context, which is
    fitted beside and not returned: it is there whatever is shown.

    Args:
        pages: of the policy whose later pages count.
        ridge: penalty.
        of_shown: what was shown counts, clicked or not.
    """
    check_number("ridge", ridge, above=0)
    width = pages.shown.shape[2]
    total = width + pages.context.shape[1]
    gram, moment = ridge * np.eye(total), np.zeros(total)
    for start in range(0, len(pages), _BATCH):
        part = slice(start, start + _BATCH)
        mark = pages.filled[part] * (1.0 if of_shown else pages.reward[part] > 0)
        clicked = np.einsum("nk,nkf->nf", mark, pages.shown[part].astype(np.float64))
        x = np.concatenate([clicked, pages.context[part]], axis=1)
        gram, moment = gram + x.T @ x, moment + x.T @ pages.later[part]
    return np.asarray(np.linalg.solve(gram, moment)[:width])
