"""Supervised rankers: the fits find what made the log, and the pages are worth more than chance."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.evaluate import PolicyMaker
from sb3_ecom.core.registry import make_task
from sb3_ecom.logs.supervised import (
    Ranker,
    ServedPages,
    fit_ranker,
    join_pages,
    log_policy_iteration,
    serve_pages,
    uniform,
    view_of,
)
from sb3_ecom.logs.supervised.fits import fit_clicks, fit_value

#: id -> (visits of the random log, its arguments)
LOGS = {
    "EcomRec-v0": (600, {}),
    "EcomRecSlate-v0": (600, {}),
    "EcomRecSingle-v0": (800, {}),
    "EcomRecLarge-v0": (300, {"catalogue_size": 1000}),
    "EcomRecContext-v0": (120, {}),
    "EcomRecOrganic-v0": (400, {}),
    "EcomRecBored-v0": (40, {}),
    "EcomRecCold-v0": (100, {}),
    "EcomRecEvolution-v0": (60, {}),
    "EcomRecRetain-v0": (300, {}),
}


def made_up_pages(one_click, weights, value, pages=20_000, slots=3, seed=0):
    """Draw pages of known click weights, and what each click adds to later rewards."""
    source = np.random.default_rng(seed)
    shown = source.normal(size=(pages, slots, len(weights)))
    utility = shown @ weights
    if one_click:
        chance = np.exp(utility) / (1 + np.exp(utility).sum(1, keepdims=True))
        place = (chance.cumsum(1) < source.random((pages, 1))).sum(1)
        reward = (np.arange(slots) == place[:, None]) * 1.0
    else:
        reward = (source.random(utility.shape) < 1 / (1 + np.exp(-utility))) * 1.0
    later = 2 + (reward * (shown @ value)).sum(1) + source.normal(size=pages)
    return ServedPages(
        context=np.ones((pages, 1), np.float32),
        shown=shown.astype(np.float32),
        filled=np.ones((pages, slots), bool),
        reward=reward,
        later=later,
    )


@pytest.mark.parametrize("one_click", [True, False])
def test_the_fits_find_the_weights_that_made_the_clicks(one_click):
    weights, value = np.array([0.8, -0.5, 0.3]), np.array([0.2, 0.4, -0.3])
    pages = made_up_pages(one_click, weights, value)
    assert fit_clicks(pages, one_click=one_click) == pytest.approx(weights, abs=0.06)
    assert fit_value(pages) == pytest.approx(value, abs=0.06)


def test_a_log_without_clicks_is_refused():
    pages = made_up_pages(True, np.zeros(2), np.zeros(2), pages=50)
    silent = ServedPages(**{**vars(pages), "reward": 0 * pages.reward})
    with pytest.raises(ValueError, match="needs clicks, got 0 in 50 pages"):
        fit_clicks(silent, one_click=True)
    with pytest.raises(ValueError, match="needs a recommendation task, got SerialTask"):
        view_of(make_task("EcomSerial-v0"))


@pytest.mark.parametrize("env_id", LOGS)
def test_every_recommendation_id_has_a_ranker_that_is_worth_more_than_chance(env_id):
    visits, kwargs = LOGS[env_id]
    pages = serve_pages(env_id, uniform, episodes=visits, seed=3, **kwargs)
    ranker = fit_ranker(pages, view_of(make_task(env_id, **kwargs)))
    found = sb3_ecom.evaluate(env_id, PolicyMaker(ranker.policy), episodes=96, seed=1, **kwargs)
    random = sb3_ecom.evaluate(env_id, "random", episodes=96, seed=1, **kwargs)
    gain, stderr = found.minus(random)
    assert gain > (2 * stderr if env_id != "EcomRecOrganic-v0" else -2 * stderr)
    other = Ranker(ranker.clicks, 0 * ranker.clicks)
    same = sb3_ecom.evaluate(env_id, PolicyMaker(other.policy), episodes=96, seed=1, **kwargs)
    np.testing.assert_array_equal(same.returns, found.returns)  # a value of nothing changes nothing


def test_pages_hold_whole_visits_and_what_followed_each():
    pages = serve_pages("EcomRecCold-v0", uniform, episodes=5, seed=0, horizon=20)
    assert len(pages) == 100
    rewards = pages.reward.reshape(20, 5)
    np.testing.assert_allclose(pages.later.reshape(20, 5), rewards.sum(0) - rewards.cumsum(0))
    assert len(join_pages([pages, pages])) == 200


def test_the_best_page_of_one_click_beats_every_other_page():
    task = make_task("EcomRecSlate-v0")
    view = view_of(task)
    observation = np.zeros((1, task.observation_space.shape[0]), np.float32)
    source = np.random.default_rng(0)
    width = view.pairs(observation, np.zeros((1, view.size), int)).shape[2]
    ranker = Ranker(source.normal(size=width) * 0.1, source.normal(size=width) * 0.2)

    def worth(page):
        weight = np.exp(np.clip(view.scores(observation, ranker.clicks), -30, 30))[0, page]
        return (weight * np.maximum(1 + view.scores(observation, ranker.value), 0)[0, page]).sum() / (
            1 + weight.sum()
        )

    best = worth(ranker.chooser(view)(observation)[0])
    for _ in range(300):
        assert worth(source.choice(217, size=view.size, replace=False)) <= best + 1e-9


@pytest.mark.slow
def test_logging_and_fitting_again_is_worth_more_than_one_random_log():
    rounds = log_policy_iteration("EcomRecSlate-v0", rounds=3, episodes=3000)
    first, last = (
        sb3_ecom.evaluate("EcomRecSlate-v0", PolicyMaker(each.ranker.policy), episodes=1024)
        for each in (rounds[0], rounds[-1])
    )
    gain, stderr = last.minus(first)
    assert gain > 3 * stderr
    assert rounds[-1].pages > 2 * rounds[0].pages
