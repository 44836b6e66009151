"""Off-policy estimates for slates: what another policy would have earned on the pages of a log.

The estimates are of the reward of a page in the contexts as they were logged: what a policy makes of the
pages after it is not counted. Intervals are clustered by visit, since the pages of a visit share its visitor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sb3_ecom.core.arrays import Floats, Ints
from sb3_ecom.core.checks import check_at_least, check_number


@dataclass(frozen=True, kw_only=True)
class SlateLog:
    """m pages with slates of at most K items.

    Raises:
        ValueError: on columns of other lengths, or a propensity outside (0, 1] of an item that was shown.
    """

    visit: Ints  # (m,) pages of one visit share it
    slate: Ints  # (m, K) items, -1 where the slot stayed empty
    propensity: Floats  # (m, K) chance of each item given those above it
    reward: Floats  # (m, K) of each slot

    def __post_init__(self) -> None:
        if self.slate.ndim != 2 or not len(self.slate):
            raise ValueError(f"slate must be (pages, K) with at least one page, got {self.slate.shape}")
        for name, array in (("propensity", self.propensity), ("reward", self.reward)):
            if array.shape != self.slate.shape:
                raise ValueError(f"{name} must have shape {self.slate.shape}, got {array.shape}")
        if self.visit.shape != self.slate.shape[:1]:
            raise ValueError(f"visit must have shape {self.slate.shape[:1]}, got {self.visit.shape}")
        shown = self.slate >= 0
        wrong = np.argwhere(shown & ~((self.propensity > 0) & (self.propensity <= 1)))
        if wrong.size:
            row, slot = wrong[0]
            value = self.propensity[row, slot]
            raise ValueError(f"propensity must be in (0, 1], got {value} in slot {slot} of page {row}")
        if not np.isfinite(self.reward).all():
            raise ValueError("reward must be finite in every slot")

    @property
    def page_reward(self) -> Floats:
        """(m,) sum over the slots."""
        return np.asarray(np.where(self.slate >= 0, self.reward, 0.0).sum(1))


class SlateEstimate(NamedTuple):
    """Reward per page with an interval clustered by visit."""

    value: float
    stderr: float
    low: float
    high: float
    effective_pages: float  # (sum w)^2 / sum w^2 of the slate weights
    visits: int


def slate_ips(log: SlateLog, target: Floats, *, level: float = 0.95) -> SlateEstimate:
    """Estimate by inverse propensity of the whole slate: unbiased without any assumption on the clicks.

    Args:
        log: pages.
        target: (m, K) chances that the judged policy shows the same item there, given those above it.
        level: of the interval.

    Raises:
        ValueError: on one visit only, or no page that the judged policy might have shown.
    """
    weight = slate_weights(log, target)
    return _clustered(log, weight * log.page_reward, weight, level)


def slate_snips(log: SlateLog, target: Floats, *, level: float = 0.95) -> SlateEstimate:
    """Estimate by self-normalised weights of the whole slate: slightly biased, steadier.

    Arguments and errors as for `slate_ips`. The interval is by the delta method.
    """
    weight = slate_weights(log, target)
    value = float(weight @ log.page_reward / weight.sum())
    terms = value + weight * (log.page_reward - value) / float(weight.mean())
    return _clustered(log, terms, weight, level)


def slate_dr(
    log: SlateLog, target: Floats, predicted: Floats, expected: Floats, *, level: float = 0.95
) -> SlateEstimate:
    """Estimate doubly robustly on whole slates: expected + weight x (reward - predicted).

    Unbiased for any predictions that were not fitted to the same visits; the better they are, the narrower.

    Args:
        log: pages.
        target: as for `slate_ips`.
        predicted: (m,) predicted reward of the slate that was shown.
        expected: (m,) predicted reward under the judged policy.
        level: of the interval.

    Source: Dudik, Langford, Li, "Doubly robust policy evaluation and learning", ICML 2011.
    """
    weight = slate_weights(log, target)
    for name, values in (("predicted", predicted), ("expected", expected)):
        if np.shape(values) != weight.shape:
            raise ValueError(f"{name} must have shape {weight.shape}, got {np.shape(values)}")
    return _clustered(log, expected + weight * (log.page_reward - predicted), weight, level)


def dr_minus_logged(
    log: SlateLog, target: Floats, predicted: Floats, expected: Floats, *, level: float = 0.95
) -> SlateEstimate:
    """Estimate the judged policy's reward less that of the log's own policy, on the same visits.

    Arguments and errors as for `slate_dr`. What the two policies' rewards share cancels.
    """
    weight = slate_weights(log, target)
    terms = expected + weight * (log.page_reward - predicted) - log.page_reward
    return _clustered(log, terms, weight, level)


def logged_value(log: SlateLog, *, level: float = 0.95) -> SlateEstimate:
    """Return the mean reward of a page as it was logged."""
    return _clustered(log, log.page_reward, np.ones(len(log.slate)), level)


def cascade_dr(
    log: SlateLog, target: Floats, predicted: Floats, expected: Floats, *, level: float = 0.95
) -> SlateEstimate:
    """Estimate doubly robustly slot by slot; assumes what `cascade_ips` assumes.

    Args:
        log: pages.
        target: as for `slate_ips`.
        predicted: (m, K) predicted reward of each slot as it was shown.
        expected: (m, K) predicted reward of each slot under the judged policy, given the items above it.
        level: of the interval.

    Source: Kiyohara et al., "Doubly robust off-policy evaluation for ranking policies under the cascade
        behavior model", WSDM 2022.
    """
    prefix = np.cumprod(_ratios(log, target), axis=1)
    slate_weights(log, target)
    for name, values in (("predicted", predicted), ("expected", expected)):
        if np.shape(values) != prefix.shape:
            raise ValueError(f"{name} must have shape {prefix.shape}, got {np.shape(values)}")
    above = np.concatenate([np.ones((len(prefix), 1)), prefix[:, :-1]], axis=1)
    reward = np.where(log.slate >= 0, log.reward - predicted, 0.0)
    foreseen = np.where(log.slate >= 0, expected, 0.0)
    return _clustered(log, (prefix * reward + above * foreseen).sum(1), prefix[:, -1], level)


def cascade_ips(log: SlateLog, target: Floats, *, level: float = 0.95) -> SlateEstimate:
    """Estimate slot by slot with the weights of the items down to it.

    Assumes that a slot's reward depends on the items above it and on its own, not on those below (visitors
    read from the top). Where items compete for one click this is biased; the weights vary far less.

    Source: McInerney et al., "Counterfactual evaluation of slate recommendations with sequential reward
        interactions", KDD 2020.
    """
    ratio = _ratios(log, target)
    prefix = np.cumprod(ratio, axis=1)
    slate_weights(log, target)
    terms = (prefix * np.where(log.slate >= 0, log.reward, 0.0)).sum(1)
    return _clustered(log, terms, prefix[:, -1], level)


def slate_weights(log: SlateLog, target: Floats) -> Floats:
    """Return the (m,) ratios of the chances of whole slates.

    Raises:
        ValueError: on another shape, chances outside [0, 1], or no overlap at all.
    """
    weight = np.asarray(_ratios(log, target).prod(1))
    if not weight.sum() > 0:
        raise ValueError(
            "no overlap: the judged policy would have shown none of the logged slates; "
            "serve with more exploration, or judge it with some (--explore)"
        )
    return weight


def _ratios(log: SlateLog, target: Floats) -> Floats:
    chance = np.asarray(target, dtype=np.float64)
    if chance.shape != log.slate.shape:
        raise ValueError(f"target must have shape {log.slate.shape}, got {chance.shape}")
    shown = log.slate >= 0
    if not ((chance >= 0) & (chance <= 1))[shown].all():
        raise ValueError("target must hold chances in [0, 1]")
    return np.divide(chance, log.propensity, out=np.ones_like(chance), where=shown)


def _clustered(log: SlateLog, terms: NDArray[Any], weight: NDArray[Any], level: float) -> SlateEstimate:
    check_number("level", level, low=0.5, below=1)
    _, group = np.unique(log.visit, return_inverse=True)
    visits = int(group.max()) + 1
    if visits < 2:
        raise ValueError("an interval needs pages of at least 2 visits, got 1")
    value = float(terms.mean())
    sums = np.bincount(group, terms - value)
    stderr = float(np.sqrt((sums**2).sum() * visits / (visits - 1)) / len(terms))
    half = float(stats.t.ppf(0.5 + level / 2, visits - 1)) * stderr
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    return SlateEstimate(value, stderr, value - half, value + half, effective, visits)


class SlateModel:
    """Reward of a page as a sum of item rates times slot factors, shrunk to the overall rate.

    A control variate for `slate_dr`, not a model to trust: it knows nothing of the visitor.

    Args:
        log: pages to fit to.
        items: N.
        prior: impressions that the overall rate is worth beside an item's own.
    """

    def __init__(self, log: SlateLog, items: int, prior: float = 50.0) -> None:
        shown = log.slate >= 0
        ids, reward = log.slate[shown], log.reward[shown]
        #: mean reward of an item shown
        self.overall = float(reward.mean()) if reward.size else 0.0
        count = np.bincount(ids, minlength=items)
        earned = np.bincount(ids, reward, minlength=items)
        #: (N,) reward of an item in an average slot
        self.rates: Floats = (earned + prior * self.overall) / (count + prior)
        slot = np.broadcast_to(np.arange(log.slate.shape[1]), log.slate.shape)[shown]
        earned = np.bincount(slot, reward, minlength=log.slate.shape[1])
        foreseen = np.bincount(slot, self.rates[ids], minlength=log.slate.shape[1])
        weight = prior * self.overall
        #: (K,) reward of a slot relative to what its items' rates say
        self.slots: Floats = (earned + weight) / (foreseen + weight + 1e-12)

    def predict_slots(self, slates: Ints) -> Floats:
        """Return the (..., K) rewards of the slots of slates, -1 for an empty slot."""
        rates = np.where(slates >= 0, self.rates[slates], 0.0)
        return np.asarray(rates * self.slots[: slates.shape[-1]])

    def predict(self, slates: Ints) -> Floats:
        """Return the (...) rewards of (..., K) slates, -1 for an empty slot."""
        return np.asarray(self.predict_slots(slates).sum(-1))


def cross_fitted(log: SlateLog, items: int, *, folds: int = 2) -> list[tuple[NDArray[np.bool_], SlateModel]]:
    """Return (rows, model) pairs: each model was fitted to the visits of the other folds.

    Raises:
        ValueError: on fewer than 2 folds or fewer visits than folds.
    """
    check_at_least("folds", folds, 2)
    _, group = np.unique(log.visit, return_inverse=True)
    if group.max() + 1 < folds:
        raise ValueError(f"cross-fitting needs at least {folds} visits, got {group.max() + 1}")
    pairs = []
    for fold in range(folds):
        rows = group % folds == fold
        pairs.append((rows, SlateModel(select(log, ~rows), items)))
    return pairs


def select(log: SlateLog, rows: NDArray[np.bool_]) -> SlateLog:
    """Return some pages of a log."""
    return SlateLog(
        visit=log.visit[rows],
        slate=log.slate[rows],
        propensity=log.propensity[rows],
        reward=log.reward[rows],
    )
