"""Cold start: an impression by hand, what features and memory are worth, tiny seasons solved exactly."""

import functools

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.cold_start import baselines, oracle
from sb3_ecom.envs.recommendation.cold_start.env import ColdStartTask

ID = "EcomRecCold-v0"


@functools.cache
def result(policy):
    return sb3_ecom.evaluate(ID, policy, episodes=1024)


def test_an_impression_by_hand():
    task = ColdStartTask(items=3, features=2)
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), 2))
    state = state._replace(hidden=state.hidden._replace(logit=np.float32([[0.0, np.log(3), -1], [0, 0, 0]])))
    action = np.array([1, 2])
    after, outcome = task.step(state, action, np.float32([0.74, 0.51]))
    np.testing.assert_allclose(outcome.rate, [0.75, 0.5], rtol=1e-5)
    np.testing.assert_array_equal(outcome.clicked, [1, 0])
    np.testing.assert_allclose(outcome.regret, 0, atol=1e-6)
    np.testing.assert_array_equal(after.tracked.shown, [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(after.tracked.clicks, [[0, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(after.tracked.history[:, -1, 2:], state.tracked.features[[0, 1], action])


def test_logits_have_the_stated_spread_and_features_explain_their_part():
    task = ColdStartTask()
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(1)), 4000))
    assert state.hidden.logit.mean() == pytest.approx(-2, abs=0.02)
    assert state.hidden.logit.std() == pytest.approx(np.hypot(0.6, 0.8), rel=0.02)
    x, y = state.tracked.features.reshape(-1, 5), (state.hidden.logit + 2).ravel()
    found = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(found, task.params.weights, atol=0.02)


def test_observations_hold_the_record():
    task = ColdStartTask()
    loop = StepLoop(task, 16)
    observation = loop.reset(0)
    draw = np.random.default_rng(0)
    for _ in range(200):
        observation = loop.step(draw.integers(20, size=16)).observation
    seen = baselines.read(task, observation)
    np.testing.assert_array_equal(seen.shown, loop.state.tracked.shown)
    np.testing.assert_array_equal(seen.clicks, loop.state.tracked.clicks)
    np.testing.assert_array_equal(seen.features, loop.state.tracked.features)


def test_the_bound_is_what_the_clairvoyant_earns():
    bound, seen = oracle.oracle(ColdStartTask()), result("clairvoyant")
    assert bound.value == pytest.approx(seen.mean, abs=3.5 * np.hypot(seen.stderr, bound.stderr))


def test_features_and_memory_are_both_worth_something():
    for better, worse in (
        ("linucb", "features_only"),  # what memory is worth
        ("thompson_features", "thompson"),  # what features are worth
    ):
        gain, error = result(better).minus(result(worse))
        assert gain > 3 * error, f"{better} is not better than {worse}"


def test_kl_bounds_solve_their_equation():
    clicks, shown = np.array([[0.0, 3.0, 10.0, 0.0]]), np.array([[5.0, 9.0, 10.0, 0.0]])
    bound = baselines._kl_bound(clicks, shown, np.array([[2.0]]))[0]
    assert bound[0] == pytest.approx(1 - np.exp(-2 / 5), abs=1e-4)
    p, q = 1 / 3, bound[1]
    assert 9 * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))) == pytest.approx(2, abs=1e-3)
    assert bound[2] == pytest.approx(1, abs=1e-4)
    assert bound[3] > 1


class Twin(ColdStartTask):
    """Every season promises the same."""

    def initial_state(self, noise):
        features = np.broadcast_to(np.float32([[0.3], [-0.4]]), noise.features.shape)
        return super().initial_state(noise._replace(features=features))


def test_the_tiny_season_s_optimum_is_earned_by_its_plan_and_by_no_greed():
    task, n = Twin(items=2, features=1, horizon=12, base=-0.3, own_sd=1.5, feature_sd=1.0), 20000
    promise = tuple(float(-0.3 + x * task.params.weights[0]) for x in (0.3, -0.4))
    season = oracle.TinySeason(promise, own_sd=1.5, horizon=12)
    optimum = season.solve(season.start)[0]
    assert season.solve.cache_info().currsize < 1e5

    def earn(choose):
        loop = StepLoop(task, n)

        def act(observation):
            state = loop.state
            record = np.stack(
                [state.tracked.clicks, state.tracked.shown - state.tracked.clicks], axis=2
            ).astype(int)
            keys, back = np.unique(record.reshape(n, -1), axis=0, return_inverse=True)
            chosen = [choose(tuple(map(tuple, key.reshape(2, 2).tolist()))) for key in keys]
            return np.array(chosen)[back.ravel()]

        returns = run_episodes(loop, act, 4)["reward"]
        return returns.mean(), returns.std() / np.sqrt(n)

    mean, error = earn(lambda record: season.solve(record)[1])
    assert mean == pytest.approx(optimum, abs=3.5 * error)

    def greedy(record):
        return int(np.argmax([season.mean(j, *record[j]) for j in range(2)]))

    @functools.cache
    def greedy_value(record):
        if sum(map(sum, record)) == 12:
            return 0.0
        item = greedy(record)
        (clicks, misses), rate = record[item], season.mean(item, *record[item])
        won = (*record[:item], (clicks + 1, misses), *record[item + 1 :])
        lost = (*record[:item], (clicks, misses + 1), *record[item + 1 :])
        return rate * (1 + greedy_value(won)) + (1 - rate) * greedy_value(lost)

    exact = greedy_value(season.start)
    assert exact < optimum - 0.01
    mean, error = earn(greedy)
    assert mean == pytest.approx(exact, abs=3.5 * error)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"items": 1}, r"items must be in \[2, 10000\], got 1"),
        ({"own_sd": -1.0}, r"own_sd must be in \[0, 10\], got -1.0"),
        ({"base": float("nan")}, "base must be a finite number, got nan"),
        ({"nonsense": 1}, "unknown parameter of EcomRecCold.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ColdStartTask(**kwargs)
