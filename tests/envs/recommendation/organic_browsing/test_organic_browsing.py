"""RecoGym's timeline: an event by hand, the filter's worth, a steady taste solved exactly."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend, tree_map
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.organic_browsing import baselines, oracle
from sb3_ecom.envs.recommendation.organic_browsing.dynamics import Noise, view_of
from sb3_ecom.envs.recommendation.organic_browsing.env import OrganicBrowsingTask
from sb3_ecom.envs.recommendation.organic_browsing.params import click_rate
from sb3_ecom.envs.recommendation.organic_browsing.tracker import FACTS


def started(task, n=1, seed=0):
    return task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(seed)), n))


def noise(view=0.5, click=0.999, move=0.999, n=1, factors=5):
    one = np.ones(n, np.float32)
    return Noise(view * one, click * one, move * one, np.ones((n, factors), np.float32))


def test_click_rates_are_recogym_s():
    # By hand at x = 0: sigmoid(0) = .5, 2 x .5 - 2 = -1, sigmoid(-1) = .268941, 5 x .268941 - 6 = -4.655293.
    assert click_rate(np.zeros(1))[0] == pytest.approx(1 / (1 + np.exp(4.655293)), rel=1e-5)
    low, high = click_rate(np.array([-1e3, 1e3]))
    assert low == pytest.approx(1 / (1 + np.exp(6 - 5 / (1 + np.exp(2)))))
    assert high == pytest.approx(1 / (1 + np.exp(3.5)))


def test_views_follow_the_softmax_of_taste_and_popularity():
    task, n = OrganicBrowsingTask(), 40000
    taste = np.tile(np.float32([[0.5, -1, 0.3, 0.2, 0.8]]), (n, 1))
    views = view_of(taste, np.random.default_rng(0).random(n, dtype=np.float32), task.tables.hidden)
    loading, popularity, _ = task.params.catalogue()
    expected = np.exp(loading @ taste[0] + popularity)
    expected /= expected.sum()
    found = np.bincount(views, minlength=10) / n
    assert (abs(found - expected) < 4 * np.sqrt(expected / n)).all()


def test_a_timeline_by_hand():
    task = OrganicBrowsingTask()
    state = started(task)
    assert state.tracked.asked[0] == 0
    taste = state.hidden.taste.copy()
    state, outcome = task.step(state, np.array([3]), noise(move=0.27))  # .27 > .01 + .25: looks on
    assert (outcome.asked[0], outcome.clicked[0], state.tracked.asked[0]) == (0, 0, 0)
    np.testing.assert_allclose(state.hidden.taste, taste + 0.1, rtol=1e-5)
    assert state.tracked.history[0, -1, FACTS + outcome.product[0]] == 1
    taste = state.hidden.taste.copy()
    state, outcome = task.step(state, np.array([3]), noise(move=0.25))  # to the recommendation
    assert state.tracked.asked[0] == 1
    assert not outcome.left[0]
    np.testing.assert_array_equal(state.hidden.taste, taste)  # it wanders while he looks around only
    before = state.tracked.history.copy()
    state, outcome = task.step(state, np.array([3]), noise(move=0.5))
    assert (outcome.product[0], outcome.asked[0], state.tracked.asked[0]) == (3, 1, 1)
    np.testing.assert_array_equal(state.tracked.history, before)
    assert state.tracked.history[0, -1, 2] == pytest.approx(0.01)  # the second event was the last view
    _, outcome = task.step(state, np.array([3]), noise(move=0.005))
    assert outcome.left[0]
    after, outcome = task.step(state, np.array([3]), noise(click=0.0, move=0.005))
    assert outcome.clicked[0] == 1  # a click is followed by a look around, even where he would have left
    assert not outcome.left[0]
    assert after.tracked.asked[0] == 0
    assert after.tracked.history[0, -1, 1] == 1
    assert after.tracked.history[0, -1, FACTS + 3] == 1


def test_the_action_has_no_effect_while_the_visitor_looks_around():
    task, n = OrganicBrowsingTask(), 64
    state = started(task, n)
    draws = task.draw_step(NumpyBackend(np.random.default_rng(1)), n)
    one, _ = task.step(state, np.zeros(n, np.int64), draws)
    other, _ = task.step(state, np.full(n, 7), draws)
    tree_map(np.testing.assert_array_equal, one, other)


def test_swapped_pairs_are_the_most_alike():
    params = OrganicBrowsingTask(flips=2).params
    loading, _, partner = params.catalogue()
    moved = np.flatnonzero(partner != np.arange(10))
    assert len(moved) == 4
    np.testing.assert_array_equal(partner[partner], np.arange(10))
    alike = loading @ loading.T - 1e9 * np.eye(10)
    a, b = np.unravel_index(alike.argmax(), alike.shape)
    assert partner[a] == b


@pytest.mark.parametrize("products", [10, 100, 1000])
def test_observations_name_products(products):
    task = OrganicBrowsingTask(products=products)
    loop = StepLoop(task, 32)
    loop.reset(0)
    last = np.full(32, -1)
    for _ in range(15):
        result = loop.step(np.zeros(32, np.int64))
        seen = baselines.read(task, result.observation)
        viewed = (result.step_info["asked"] == 0) & ~result.terminated
        last = np.where(viewed, result.step_info["product"], last)
        np.testing.assert_array_equal(seen.product[viewed, -1], last[viewed])
    assert task.action_space.n == products


def test_a_steady_taste_is_worth_what_value_iteration_says():
    class Steady(OrganicBrowsingTask):
        def start(self, noise):
            taste = np.tile(np.float32([[1.0, -0.5, 0.3, 0.8, -1.2]]), (len(noise), 1))
            hidden, opening = super().start(noise)
            return hidden._replace(taste=taste), opening

    task, n = Steady(wander_sd=0.0, horizon=40), 16000
    value = oracle.steady_taste_value(task.params, np.array([1.0, -0.5, 0.3, 0.8, -1.2]))
    loop = StepLoop(task, n)
    returns = run_episodes(loop, oracle.clairvoyant(loop), 1)["reward"]
    assert returns.mean() == pytest.approx(value, abs=3.5 * returns.std() / np.sqrt(n))
    loop = StepLoop(task, n)
    loading, popularity, _ = task.params.catalogue()
    poor = (loading @ np.array([1.0, -0.5, 0.3, 0.8, -1.2]) + popularity).argmin()
    worst = run_episodes(loop, lambda o: np.full(n, poor), 1)["reward"]
    assert worst.mean() < value - 3 * returns.std() / np.sqrt(n)


def expected_rate(policy, n, steps, task=None):
    """Mean click rate of what is recommended: the same policies, without the noise of clicks."""
    task = OrganicBrowsingTask() if task is None else task
    loop = StepLoop(task, n)
    act = policy(loop)
    observation, rate, asked = loop.reset(5), 0.0, 0.0
    for _ in range(steps):
        before = loop.state
        action = act(observation)
        affinity = (before.hidden.taste * task.tables.hidden.answer[action]).sum(
            1
        ) + task.tables.hidden.answer_popularity[action]
        rate += (click_rate(affinity) * before.tracked.asked).sum()
        asked += before.tracked.asked.sum()
        observation = loop.step(action).observation
    return rate / asked


def test_memory_is_worth_something_and_the_filter_comes_near_the_clairvoyant():
    n, steps = 256, 60
    rates = {
        maker.__name__: expected_rate(lambda loop, maker=maker: maker(loop.task), n, steps)
        for maker in (baselines.popularity, baselines.last_view, baselines.particle_filter)
    }
    best = expected_rate(oracle.clairvoyant, n, steps)
    assert rates["popularity"] < rates["last_view"] < rates["particle_filter"] < best
    assert best - rates["particle_filter"] < 0.5 * (best - rates["last_view"])


def test_the_filter_is_calibrated():
    task, n = OrganicBrowsingTask(), 400
    loop, act = StepLoop(task, n), baselines.ParticleFilter(task)
    observation = loop.reset(2)
    for _ in range(25):
        observation = loop.step(act(observation)).observation
    act(observation)
    mean = (act._taste * act._weight[..., None]).sum(1)
    error = loop.state.hidden.taste - mean
    spread = ((act._taste - mean[:, None]) ** 2 * act._weight[..., None]).sum(1)
    fresh = loop.state.tracked.event < 3
    ratio = (error[~fresh] ** 2).mean() / spread[~fresh].mean()
    assert 0.8 < ratio < 1.4  # 100 particles understate the spread a little


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"products": 1}, r"products must be in \[2, 5000\], got 1"),
        ({"flips": 6}, r"flips must be in \[0, 5\] \(half of products\), got 6"),
        ({"leave_bandit": 0.99}, r"leave_bandit \+ bandit_to_organic must be <= 1, got 1.04"),
        ({"wander_sd": -1.0}, r"wander_sd must be in \[0, 10\], got -1.0"),
        ({"popularity_sd": float("inf")}, "popularity_sd must be a finite number, got inf"),
        ({"nonsense": 1}, "unknown parameter of EcomRecOrganic.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        OrganicBrowsingTask(**kwargs)


def test_the_recorded_constant_is_the_popular_product():
    spec = sb3_ecom.spec("EcomRecOrganic-v0")
    assert baselines.popular_rates(OrganicBrowsingTask()).argmax() == spec.best_constant
