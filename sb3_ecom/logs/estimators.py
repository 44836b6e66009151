"""Off-policy estimates of a policy's reward: inverse propensity scoring, self-normalised, doubly robust."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, Floats
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.logs.table import Log

_NORMAL = {0.9: 1.6448536, 0.95: 1.9599640, 0.99: 2.5758293}


class Estimate(NamedTuple):
    """A value per item shown, with an interval."""

    value: float
    stderr: float  # rows of one impression count as one draw
    low: float
    high: float
    effective: float  # rows that the weights are worth: (sum w)^2 / sum w^2


def ips(log: Log, target: Array, *, level: float = 0.95, clip: float | None = None) -> Estimate:
    """Return the mean of reward x target / propensity: unbiased, wide where the policies differ.

    Args:
        log: what was shown and earned.
        target: (m,) chance that the judged policy shows the same item in the same slot.
        level: of the interval, .9, .95 or .99.
        clip: largest weight kept; smaller intervals for some bias.

    Raises:
        ValueError: on an empty log, chances outside [0, 1] or an unknown level.

    Source: Horvitz and Thompson 1952.
    """
    weight = _weights(log, target, clip)
    return _interval(weight * log.reward, log, weight, level)


def snips(log: Log, target: Array, *, level: float = 0.95, clip: float | None = None) -> Estimate:
    """Return sum(w r) / sum(w): slightly biased, much steadier; interval by the delta method.

    Arguments and errors as for `ips`. Source: Swaminathan and Joachims 2015.
    """
    weight = _weights(log, target, clip)
    total = weight.sum()
    if total <= 0:
        raise ValueError("target must give a chance to at least one item that was shown")
    value = float(weight @ log.reward / total)
    return _interval(value + weight * (log.reward - value) / weight.mean(), log, weight, level)


def doubly_robust(
    log: Log,
    target: Array,
    predicted: Array,
    expected: Array,
    *,
    level: float = 0.95,
    clip: float | None = None,
) -> Estimate:
    """Return the mean of expected + weight x (reward - predicted): right if either model is.

    Args:
        log: what was shown and earned.
        target: (m,) chance that the judged policy shows the same item in the same slot.
        predicted: (m,) reward that a model predicts for the item shown; not fitted to the same rows (see
            `item_rates`), or the interval is too narrow.
        expected: (m,) the model's reward of the judged policy in the same place.
        level: of the interval.
        clip: largest weight kept.

    Raises:
        ValueError: as `ips`, or on predictions of another length.

    Source: Dudik, Langford and Li 2011 (arXiv:1103.4601).
    """
    weight = _weights(log, target, clip)
    for name, values in (("predicted", predicted), ("expected", expected)):
        if np.shape(values) != weight.shape:
            raise ValueError(f"{name} must have shape {weight.shape}, got {np.shape(values)}")
    return _interval(np.asarray(expected) + weight * (log.reward - np.asarray(predicted)), log, weight, level)


def item_rates(log: Log, items: int, *, folds: int = 2, prior: float = 100.0) -> Floats:
    """Return (m, items) mean rewards by item, each row's from the other folds' impressions.

    Args:
        log: what was shown and earned.
        items: N.
        folds: >= 2.
        prior: rows that the overall mean is worth beside an item's own.
    """
    check_at_least("folds", folds, 2)
    fold = log.impression % folds
    rates = np.empty((folds, items))
    for k in range(folds):
        rows = fold != k
        count = np.bincount(log.item[rows], minlength=items)
        total = np.bincount(log.item[rows], log.reward[rows], minlength=items)
        mean = log.reward[rows].mean() if rows.any() else 0.0
        rates[k] = (total + prior * mean) / (count + prior)
    return np.asarray(rates[fold])


def _weights(log: Log, target: Array, clip: float | None) -> Floats:
    chance = np.asarray(target, dtype=np.float64)
    if not len(log):
        raise ValueError("the log must hold at least one row, got 0")
    if chance.shape != log.propensity.shape:
        raise ValueError(f"target must have shape {log.propensity.shape}, got {chance.shape}")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError(f"target must be in [0, 1], got {chance[~((chance >= 0) & (chance <= 1))][0]}")
    weight = chance / log.propensity
    return np.asarray(weight if clip is None else np.minimum(weight, clip))


def _interval(terms: Floats, log: Log, weight: Floats, level: float) -> Estimate:
    if level not in _NORMAL:
        raise ValueError(f"level must be one of {', '.join(map(str, _NORMAL))}, got {level}")
    value = float(terms.mean())
    _, group = np.unique(log.impression, return_inverse=True)
    sums = np.bincount(group, terms - value)
    pages = len(sums)
    stderr = float(np.sqrt((sums**2).sum() * (pages / max(pages - 1, 1))) / len(log))
    half = _NORMAL[level] * stderr
    squares = float((weight**2).sum())
    effective = float(weight.sum() ** 2 / squares) if squares > 0 else 0.0
    return Estimate(value, stderr, value - half, value + half, effective)
