"""Rules that infer a visitor's taste: what they decode and learn, and a rule that can be shifted."""

import numpy as np
import pytest
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.boredom.baselines import unscale
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask
from sb3_ecom.envs.recommendation.boredom.particles import ParticleRotation
from sb3_ecom.envs.recommendation.boredom.thompson import RotationSettings, ThompsonRotation
from sb3_ecom.sb3 import ResidualPolicy, TerminalHorizon, VecResidual, make_vec_env

ID = "EcomRecBored-v0"


def play(rule, loop, pages):
    seen, clicks = loop.reset(5), 0.0
    for _ in range(pages):
        result = loop.step(rule(seen))
        seen, clicks = result.observation, clicks + result.reward
    return seen, clicks


def test_the_filter_tells_which_items_were_clicked_and_finds_the_taste():
    loop = StepLoop(BoredomTask(), 24)
    rule = ParticleRotation(loop.task, particles=400)
    seen, right = loop.reset(5), []
    for _ in range(25):
        result = loop.step(rule(seen))
        seen = result.observation
        noticed = unscale(loop.task, seen)
        vectors = loop.task.tables.public.items[result.step_info["slate"]]
        clicked = rule._clicked(vectors, noticed.clicks[:, -1], noticed.clicked[:, -1])
        np.testing.assert_array_equal(clicked, result.step_info["clicked"])
        right.append(result.step_info["clicked"].sum())
    assert sum(right) > 1000
    rule(seen)
    weight = np.exp(rule._log - rule._log.max(axis=1, keepdims=True))
    mean = (weight[..., None] * rule._tastes).sum(axis=1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert (mean * loop.state.hidden.taste).sum(axis=1).mean() > 0.9
    assert (rule._bank[:24] * loop.state.hidden.taste).sum(axis=1).mean() < 0.6


def test_the_filter_earns_more_than_thompson_sampling_and_both_more_than_the_last_page():
    found = {
        name: sb3_ecom.evaluate(ID, name, episodes=32)
        for name in ("particle_rotation", "thompson_rotation", "last_clicks")
    }
    for better, worse in (
        ("particle_rotation", "thompson_rotation"),
        ("thompson_rotation", "last_clicks"),
    ):
        gain, error = found[better].minus(found[worse])
        assert gain > 2 * error, (better, worse)


def test_pages_too_long_to_decode_are_refused():
    with pytest.raises(ValueError, match=r"slate_size must be <= 12 .*got 13"):
        ParticleRotation(BoredomTask(slate_size=13))


def test_one_knob_crowds_topics_out_and_another_takes_the_exploration_away():
    loop = StepLoop(BoredomTask(), 64)
    rule = ThompsonRotation(loop.task)
    seen, _ = play(rule, loop, 8)
    main = loop.task.tables.public.main

    def page(knob, amount, seed=3):
        rule._generator = np.random.default_rng(seed)
        shift = np.zeros((64, rule.num_offsets))
        shift[:, RotationSettings._fields.index(knob)] = amount
        return rule.act(shift)

    rule.features(seen)
    topics = [np.mean([len(set(main[row])) for row in page("discount", x)]) for x in (-3.0, 0.0, 3.0)]
    assert topics[0] < topics[1] < topics[2]
    known = rule._clicks[:, -1] > 0  # without a click all items are alike, and the draw decides
    assert known.sum() > 32
    np.testing.assert_array_equal(page("spread", -20.0)[known], page("spread", -20.0, seed=4)[known])
    assert (page("spread", 2.0)[known] != page("spread", 2.0, seed=4)[known]).any()


def test_a_model_on_top_of_the_rule_starts_as_the_rule_and_is_a_policy_of_the_task():
    venv = VecResidual(make_vec_env(ID, 6, 3), rule="thompson_rotation")
    seen = venv.reset()
    assert seen.shape == (6, 32 + venv.venv.observation_space.shape[0])
    for _ in range(4):
        _, reward, _, _ = venv.step(np.zeros((6, 6)))
        np.testing.assert_array_equal(reward, 0)
    model = PPO("MlpPolicy", venv, n_steps=8, batch_size=24, n_epochs=1, seed=0)
    model.learn(48, callback=TerminalHorizon())
    with_zero = ResidualPolicy(model, venv.venv.task)
    model.policy.action_net.weight.data.zero_()
    model.policy.action_net.bias.data.zero_()
    ours = sb3_ecom.evaluate(ID, with_zero, episodes=8)
    np.testing.assert_array_equal(
        ours.returns, sb3_ecom.evaluate(ID, "thompson_rotation", episodes=8).returns
    )
