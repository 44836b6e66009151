"""Upper bound from the true click rates, and small seasons solved exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.oracle_weights import only_weight
from sb3_ecom.core.registry import Oracle, Policy
from sb3_ecom.envs.recommendation.cold_start.dynamics import click_rate
from sb3_ecom.envs.recommendation.cold_start.env import ColdStartTask

_SEASONS = 200_000


def clairvoyant(loop: StepLoop) -> Policy:
    """Know every item's click rate, and show the best."""
    return lambda observation: loop.state.hidden.logit.argmax(1)


def oracle(task: ColdStartTask) -> Oracle:
    """Return horizon x E[max rate]: the mean over items drawn afresh, without the noise of clicks.

    Raises:
        ValueError: if the reward pays anything but clicks.
    """
    weight = only_weight(task, "clicks")
    p = task.params
    generator = np.random.default_rng(0)
    spread = np.hypot(p.feature_sd, p.own_sd)
    best = np.full(_SEASONS, -np.inf)
    for _ in range(p.items):
        best = np.maximum(best, p.base + spread * generator.standard_normal(_SEASONS))
    value = weight * p.horizon * click_rate(best)
    return Oracle(
        kind="bound",
        value=float(value.mean()),
        stderr=float(value.std() / np.sqrt(_SEASONS)),
        information="every item's click rate; not the noise",
        policy=clairvoyant,
    )


class TinySeason:
    """A season of few items and impressions, solved exactly by dynamic programming over the record.

    The state is (clicks, misses) per item; posterior means come from Gauss-Hermite quadrature of the
    logistic-normal prior, whose mean is what the features say.

    Args:
        prior_logits: (N,) logits that the features explain, base included.
        own_sd: sd of the logit that they do not.
        horizon: impressions.
    """

    def __init__(self, prior_logits: tuple[float, ...], own_sd: float, horizon: int) -> None:
        nodes, weights = np.polynomial.hermite_e.hermegauss(64)
        self._rates = [click_rate(mean + own_sd * nodes) for mean in prior_logits]
        self._weights = weights / weights.sum()
        self.horizon = horizon
        self.start = tuple((0, 0) for _ in prior_logits)
        self.solve = lru_cache(maxsize=None)(self._solve)
        self.mean = lru_cache(maxsize=None)(self._mean)

    def _mean(self, item: int, clicks: int, misses: int) -> float:
        rate = self._rates[item]
        likelihood = self._weights * rate**clicks * (1 - rate) ** misses
        return float(likelihood @ rate / likelihood.sum())

    def _solve(self, record: tuple[tuple[int, int], ...]) -> tuple[float, int]:
        """Return the expected clicks to come and the best item."""
        if sum(map(sum, record)) == self.horizon:
            return 0.0, 0
        options = []
        for item, (clicks, misses) in enumerate(record):
            rate = self.mean(item, clicks, misses)
            won = (*record[:item], (clicks + 1, misses), *record[item + 1 :])
            lost = (*record[:item], (clicks, misses + 1), *record[item + 1 :])
            value = rate * (1 + self.solve(won)[0]) + (1 - rate) * self.solve(lost)[0]
            options.append((value, item))
        return max(options)
