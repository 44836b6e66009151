"""Off-policy estimates of slates: unbiased by enumeration, and intervals that cover."""

from itertools import permutations

import numpy as np
import pytest

from sb3_ecom.live.exploration import Exploration
from sb3_ecom.logs.slates import (
    SlateLog,
    SlateModel,
    cascade_ips,
    cross_fitted,
    slate_dr,
    slate_ips,
    slate_snips,
)

LOGGING, JUDGED = Exploration("plackett-luce", 1.0), Exploration("plackett-luce", 0.6)
ITEMS, SLOTS = 4, 2
SLATES = np.array(list(permutations(range(ITEMS), SLOTS)))


def every_slate(scores, other, rate):
    """Return a log of all slates as often as they are drawn, as weights, and the judged policy's truth."""
    chance = np.array([LOGGING.propensities(scores, slate) for slate in SLATES])
    judged = np.array([JUDGED.propensities(other, slate) for slate in SLATES])
    reward = rate[SLATES] * [1.0, 0.5] * (1 - 0.5 * rate[SLATES].mean(1))[:, None]
    return chance, judged, reward, float((judged.prod(1) * reward.sum(1)).sum())


def test_ips_and_dr_are_unbiased_over_all_slates_that_can_be_drawn():
    generator = np.random.default_rng(0)
    scores, other, rate = generator.normal(size=(3, ITEMS))
    rate = np.abs(rate) / 4
    chance, judged, reward, truth = every_slate(scores, other, rate)
    weight = (judged / chance).prod(1)
    assert (chance.prod(1) * weight * reward.sum(1)).sum() == pytest.approx(truth)
    guess = generator.random(len(SLATES))
    foreseen = (judged.prod(1) * guess).sum()
    assert (chance.prod(1) * (foreseen + weight * (reward.sum(1) - guess))).sum() == pytest.approx(truth)


def simulate(generator, visits, effect):
    """Draw pages of visits that share an effect; return log, target, and the truth per page."""
    rate = np.array([0.1, 0.25, 0.15, 0.3])
    scores, other = np.array([0.5, 0.2, 0.0, 0.1]), np.array([0.0, 0.6, 0.1, 0.7])
    pages = 4
    visit = np.repeat(np.arange(visits), pages)
    level = np.exp(generator.normal(0, effect, visits) - effect**2 / 2)[visit]
    draws = np.array([LOGGING.draw(scores, SLOTS, generator) for _ in visit])
    chance = np.array([LOGGING.propensities(scores, slate) for slate in draws])
    target = np.array([JUDGED.propensities(other, slate) for slate in draws])
    mean = rate[draws] * level[:, None]
    truth = sum(JUDGED.propensities(other, slate).prod() * rate[slate].sum() for slate in SLATES)
    log = SlateLog(visit=visit, slate=draws, propensity=chance, reward=generator.poisson(mean).astype(float))
    return log, target, truth


def estimates(log, target):
    """Return the interval of each estimator for one simulated log."""
    predicted, expected = np.zeros((2, len(log.slate)))
    for rows, model in cross_fitted(log, ITEMS):
        predicted[rows] = model.predict(log.slate[rows])
        chances = [JUDGED.propensities(np.array([0.0, 0.6, 0.1, 0.7]), s).prod() for s in SLATES]
        expected[rows] = np.array(chances) @ model.predict(SLATES)
    return {
        "ips": slate_ips(log, target),
        "snips": slate_snips(log, target),
        "cascade": cascade_ips(log, target),
        "dr": slate_dr(log, target, predicted, expected),
    }


def test_intervals_cover_the_truth_though_pages_of_a_visit_share_an_effect():
    generator, replications = np.random.default_rng(1), 250
    covered = dict.fromkeys(("ips", "snips", "cascade", "dr"), 0)
    for _ in range(replications):
        log, target, truth = simulate(generator, visits=200, effect=0.6)
        for name, found in estimates(log, target).items():
            covered[name] += found.low <= truth <= found.high
    assert all(0.92 <= times / replications <= 0.98 for times in covered.values()), covered


def test_what_can_not_be_judged_is_an_error_not_a_zero():
    log, target, _ = simulate(np.random.default_rng(2), visits=5, effect=0.0)
    with pytest.raises(ValueError, match="no overlap"):
        slate_ips(log, np.zeros_like(target))
    one = SlateLog(visit=log.visit * 0, slate=log.slate, propensity=log.propensity, reward=log.reward)
    with pytest.raises(ValueError, match="at least 2 visits, got 1"):
        slate_snips(one, target)
    with pytest.raises(ValueError, match=r"propensity must be in \(0, 1\], got 0.0 in slot 0 of page 0"):
        SlateLog(visit=log.visit, slate=log.slate, propensity=log.propensity * 0, reward=log.reward)


def test_the_effective_number_of_pages_is_all_of_them_for_the_logger_itself():
    log, _, _ = simulate(np.random.default_rng(3), visits=20, effect=0.5)
    found = slate_ips(log, log.propensity)
    assert found.effective_pages == pytest.approx(len(log.slate))
    assert found.value == pytest.approx(log.page_reward.mean())
    assert SlateModel(log, ITEMS).predict(log.slate).mean() == pytest.approx(found.value, rel=0.1)
