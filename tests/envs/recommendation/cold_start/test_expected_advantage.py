"""What showing a new item is worth before the click: against the click, and over a season."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import tree_take
from sb3_ecom.core.loop import StepLoop

ID = "EcomRecCold-v0"


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_expected_gain_is_the_mean_of_what_chance_makes_of_an_item(discount):
    task = sb3_ecom.spec(ID).make_task(reward_weights={"clicks": 2.0}, horizon=6)
    gain, walk = task.expected_advantage(discount), StepLoop(task, 6)
    walk.reset(0)
    for step in range(3):
        walk.step(np.full(6, step))
    source = StepLoop(task, 40_000)
    source.reset(0)
    for row in range(6):
        many = tree_take(walk.state, np.full(40_000, row))
        after, outcome = task.step(many, np.full(40_000, row), task.draw_step(source.backend, 40_000))
        found = task.reward(task.terms(outcome)) + discount * gain.value(after) - gain.value(many)
        expected = gain(gain.snapshot(many), task.step_info(outcome))
        assert np.ptp(expected) == 0
        assert abs(found.mean() - expected[0]) < 3.5 * found.std() / np.sqrt(40_000) + 1e-5


def test_gains_of_a_season_are_its_return_less_the_clairvoyant_s():
    from sb3_ecom.sb3 import VecExpectedAdvantage, make_vec_env

    env = make_vec_env(ID, 256, seed=2)
    policy = sb3_ecom.spec(ID).baselines["linucb"](env.task)
    venv = VecExpectedAdvantage(env, discount=1.0)
    seen = venv.reset()
    start = env.task.expected_advantage(1.0).value(env.loop.state)
    gains = np.zeros(256)
    for _ in range(200):
        seen, gain, done, infos = venv.step(policy(seen))
        gains += gain
    assert done.all()
    luck = np.array([info["episode"]["r"] for info in infos]) - start - gains
    assert abs(luck.mean()) < 3.5 * luck.std() / 16
    assert luck.std() > 3  # clicks
    assert (gains <= 0).all()
    assert gains.std() < 0.7 * (luck + start + gains).std()


def test_linucb_s_knobs_are_its_prior_and_its_bonus():
    loop = StepLoop(sb3_ecom.spec(ID).make_task(), 400)
    rule = sb3_ecom.spec(ID).baselines["linucb"](loop.task)
    seen = loop.reset(1)
    for _ in range(60):
        seen = loop.step(rule(seen)).observation
    notes = rule.features(seen)
    plain = rule.act(np.zeros((400, 2)))
    rows = np.arange(400)
    np.testing.assert_allclose(notes[:, 2], loop.state.tracked.shown[rows, plain] / 100, rtol=1e-5)
    # No bonus: the best mean, of which the last three notes tell. No prior: the record alone.
    safe = rule.act(np.tile([0.0, -30.0], (400, 1)))
    np.testing.assert_allclose(notes[:, 5], loop.state.tracked.shown[rows, safe] / 100, rtol=1e-5)
    bold = rule.act(np.tile([0.0, 3.0], (400, 1)))
    tried = [loop.state.tracked.shown[rows, item].mean() for item in (safe, plain, bold)]
    assert tried[0] > tried[1] > tried[2]
    trusting = rule.act(np.tile([9.0, -30.0], (400, 1)))
    features = sb3_ecom.spec(ID).baselines["features_only"](loop.task)(seen)
    assert (trusting == features).mean() > 0.95


def test_a_rule_can_be_shifted_for_gains_but_not_against_a_twin():
    from sb3_ecom.sb3 import VecExpectedAdvantage, VecResidual, make_vec_env

    gains, plain = (VecExpectedAdvantage(make_vec_env(ID, 5, seed=3), discount=1.0) for _ in range(2))
    venv = VecResidual(gains, rule="linucb", twin=False)
    rule = sb3_ecom.spec(ID).baselines["linucb"](plain.venv.task)
    seen, expected = venv.reset(), plain.reset()
    for _ in range(20):
        np.testing.assert_array_equal(seen[:, rule.num_features :], expected)
        seen, reward, _, _ = venv.step(np.zeros((5, 2)))
        expected, gain, _, _ = plain.step(rule(expected))
        np.testing.assert_array_equal(reward, gain)
    assert gain.min() < 0
    with pytest.raises(ValueError, match="twin must be False on top of VecExpectedAdvantage"):
        VecResidual(gains, rule="linucb")
