"""The context task: fitted shares, exact values against simulation, and what context is worth."""

import functools

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.context import oracle
from sb3_ecom.envs.recommendation.context.dynamics import Noise
from sb3_ecom.envs.recommendation.context.env import ContextTask
from sb3_ecom.envs.recommendation.context.params import DEVICE, HOUR, PLACE

ID = "EcomRecContext-v0"


@functools.cache
def result(policy):
    return sb3_ecom.evaluate(ID, policy, episodes=4096)


def test_shares_are_those_of_the_log(shared):
    from sb3_ecom.envs.recommendation.context.calibration import fit_shares

    shares = fit_shares(shared / "data" / "rec_obd_zozotown" / "men_random.parquet")
    np.testing.assert_allclose(shares.hour, HOUR, atol=5e-5)
    np.testing.assert_allclose(shares.device, DEVICE, atol=5e-5)
    np.testing.assert_allclose(shares.place, PLACE, atol=5e-5)
    assert shares.hour.argmax() == 22  # TARGETS.md: peak .083 at 22 h, trough .007 at 4 h
    assert shares.hour.max() == pytest.approx(0.083, abs=0.003)
    assert shares.hour.argmin() == 4


def test_visitors_come_with_the_stated_shares():
    task, n = ContextTask(), 60000
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), n))
    found = np.bincount(task.context_row(state), minlength=576) / n
    expected = task.params.weights().ravel()
    assert (abs(found - expected) < 5 * np.sqrt(expected / n) + 1e-4).all()


def test_random_pages_have_the_click_rate_of_the_full_log():
    params = ContextTask().params
    assert (params.weights().ravel() @ params.rates().reshape(576, -1)).mean() == pytest.approx(
        0.0051, rel=1e-6
    )


def test_a_page_by_hand():
    task = ContextTask()
    state = task.initial_state(np.float32([[0.0, 0.0, 0.0]]))
    assert task.context_row(state)[0] == 0
    rate = task.params.rates()[0, 0, 0]
    page = np.array([[4, 4, 9]])
    click = np.float32([[0.0, 0.0, rate[9] * 1.01]])
    after, outcome = task.step(state, page, Noise(click, np.float32([[0.999, 0.8, 0.3]])))
    np.testing.assert_array_equal(outcome.slate, [[4, -1, 9]])
    np.testing.assert_array_equal(outcome.clicks, [[1, 0, 0]])
    assert outcome.rate[0] == pytest.approx(rate[4] + rate[9], rel=1e-4)
    assert tuple(int(part[0]) for part in after.tracked.visitor) == (23, 1, 1)
    np.testing.assert_array_equal(task.observe(after)[0, -4:], [1, 1, 0, 0])


def test_exact_values_agree_with_simulation():
    task, n = ContextTask(), 4096
    page = np.array([3, 8, 13])
    loop = StepLoop(task, n)
    totals = run_episodes(loop, lambda o: np.broadcast_to(page, (n, 3)), 2)
    for name in ("reward", "rate"):
        error = totals[name].std() / np.sqrt(n)
        assert totals[name].mean() == pytest.approx(oracle.page_value(task, page), abs=3.5 * error)
    best = result("clairvoyant")
    assert best.mean == pytest.approx(oracle.oracle(ContextTask()).value, abs=3.5 * best.stderr)
    assert oracle.oracle(ContextTask()).value == pytest.approx(sb3_ecom.spec(ID).best_known.value, abs=1e-4)


def test_a_two_item_shop_s_optimum_is_the_mean_of_the_better_rates():
    task = ContextTask(items=2, slate_size=1, random_ctr=0.1, horizon=7)
    rates, weights = task.params.rates(), task.params.weights()
    brute = sum(weights[h, d, p] * max(rates[h, d, p]) for h in range(24) for d in range(4) for p in range(6))
    value = oracle.oracle(ContextTask(items=2, slate_size=1, random_ctr=0.1, horizon=7)).value
    assert value == pytest.approx(7 * brute)


def test_context_is_worth_something():
    for better, worse in (("linucb", "popularity"), ("thompson", "popularity"), ("popularity", "random")):
        gain, error = result(better).minus(result(worse))
        assert gain > 3 * error
    assert list(oracle.best_constant(ContextTask())) == list(sb3_ecom.spec(ID).best_constant)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"slate_size": 35}, r"slate_size must be in \[1, 34\] \(items\), got 35"),
        ({"hour_shares": (1.0,)}, r"len\(hour_shares\) must be a whole number in \[24, 24\] shares, got 1"),
        ({"device_shares": (0.5, 0.6)}, "device_shares must be >= 0 and sum to 1, got a sum of 1.1"),
        ({"random_ctr": 0.9}, r"random_ctr must be in \[1e-06, 0.5\], got 0.9"),
        ({"nonsense": 1}, "unknown parameter of EcomRecContext.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ContextTask(**kwargs)
