"""Learning on top of a rule: action 0 is the rule, its twin takes off the luck, a saved model finds back."""

import numpy as np
import pytest
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.sb3 import ResidualPolicy, TerminalHorizon, VecResidual, make_vec_env
from sb3_ecom.sb3.saved_model import load_policy

ADS, RULE = "EcomAds-v0", "model_predictive_feedback"


def on_top(n=4, seed=3, **kwargs):
    return VecResidual(make_vec_env(ADS, n, seed), rule=RULE, **kwargs)


def test_action_zero_is_the_rule_and_earns_what_its_twin_earns():
    venv, plain = on_top(), make_vec_env(ADS, 4, 3)
    rule = sb3_ecom.spec(ADS).baselines[RULE](plain.task)
    seen, expected = venv.reset(), plain.reset()
    for _ in range(60):  # past the end of a day
        np.testing.assert_array_equal(seen[:, 3:], expected)
        seen, reward, _, _ = venv.step(np.zeros((4, 1)))
        expected, earned, _, _ = plain.step(rule(expected))
        np.testing.assert_array_equal(reward, 0)
        assert earned.sum() > 0


def test_keywords_can_be_learnt_on_top_of_a_rule_too():
    """Rule and twin explore with noise of their own: the same noise, or action 0 would not be the rule."""
    venv = VecResidual(make_vec_env("EcomAdsKeyword-v0", 3, 3), rule="learnt_landscape", max_offset=0.3)
    seen = venv.reset()
    assert seen.shape == (3, 2 + venv.venv.observation_space.shape[0])
    for _ in range(4):
        seen, reward, _, _ = venv.step(np.zeros((3, 1)))
        np.testing.assert_array_equal(reward, 0)
    bids = np.array(venv._rule._bid)
    venv.step(np.ones((3, 1)))
    root = venv.venv.loop.state.tracked.history[:, -1, 1:11]
    np.testing.assert_allclose(root**2, np.minimum(bids * np.exp(0.3), 1.6), rtol=1e-3, atol=1e-4)


def test_the_reward_is_what_a_shift_earns_more_than_the_rule():
    venv, alone, plain = on_top(), on_top(twin=False), make_vec_env(ADS, 4, 3)
    rule = sb3_ecom.spec(ADS).baselines[RULE](plain.task)
    venv.reset(), alone.reset()
    expected = plain.reset()
    action = np.array([[-1.0], [-0.3], [0.3], [1.0]])
    apart = 0.0
    for _ in range(30):
        _, more, _, _ = venv.step(action)
        _, own, _, _ = alone.step(action)
        expected, earned, _, _ = plain.step(rule(expected))
        np.testing.assert_allclose(more, own - earned, atol=1e-4)
        apart += np.abs(more).sum()
    assert apart > 100


def test_the_old_name_of_the_largest_offset_still_works():
    with pytest.warns(DeprecationWarning, match="reach is now called max_offset"):
        venv = on_top(reach=0.2)
    assert venv.observation_space.settings.max_offset == 0.2


def test_a_shift_moves_the_multiplier_by_its_size():
    low, high = on_top(max_offset=0.2), on_top(max_offset=0.2)
    for venv, action in ((low, -1.0), (high, 1.0)):
        venv.reset()
        state = venv.venv.loop.state
        tracked = state.tracked._replace(log_multiplier=np.zeros(4, np.float32))
        venv.venv.loop.state = state._replace(tracked=tracked)
        venv._with_features(venv.venv.task.observe(venv.venv.loop.state))
        venv.step(np.full((4, 1), action))
    moved = high.venv.loop.state.tracked.log_multiplier - low.venv.loop.state.tracked.log_multiplier
    plan = low._rule._target * 0 + 0.4
    # A dial that is at its end moves no further.
    free = np.abs(low.venv.loop.state.tracked.log_multiplier) < 0.499
    free &= np.abs(high.venv.loop.state.tracked.log_multiplier) < 0.499
    np.testing.assert_allclose(moved[free], plan[free], atol=1e-5)


def test_features_hold_the_plan_and_the_final_observation_is_the_day_s_last():
    venv = on_top()
    seen = venv.reset()
    for _ in range(48):
        rule, before = venv._rule, seen
        np.testing.assert_allclose(seen[:, 0], rule._target / 3, atol=1e-6)
        np.testing.assert_allclose(seen[:, 2], 2 * rule.good - 1, atol=1e-6)
        seen, _, done, infos = venv.step(np.zeros((4, 1)))
    assert done.all()
    finals = np.stack([info["terminal_observation"] for info in infos])
    np.testing.assert_array_equal(finals[:, 3:], venv.venv.last.final_observation)
    np.testing.assert_array_equal(finals[:, :3], before[:, :3])
    assert all(info["TimeLimit.truncated"] for info in infos)


def test_a_saved_model_acts_on_the_task_s_observations(tmp_path):
    venv = on_top(max_offset=0.4)
    model = PPO("MlpPolicy", venv, n_steps=48, batch_size=96, n_epochs=1, seed=0)
    model.learn(192, callback=TerminalHorizon())
    model.save(tmp_path / "model.zip")
    task = sb3_ecom.spec(ADS).make_task()
    loaded = load_policy(tmp_path / "model.zip", task, algo="ppo")
    assert isinstance(loaded, ResidualPolicy)
    seen, plain = venv.reset(), make_vec_env(ADS, 4, 9)
    venv.venv.seed(9)
    seen, expected = venv.reset(), plain.reset()
    for _ in range(50):
        action, _ = model.predict(seen, deterministic=True)
        seen, *_ = venv.step(action)
        expected, *_ = plain.step(loaded.predict(expected)[0])
        np.testing.assert_allclose(expected, seen[:, 3:], atol=1e-4)
    assert sb3_ecom.evaluate(ADS, loaded, episodes=4).returns.shape == (4,)


def test_what_can_not_be_shifted_is_refused():
    venv = make_vec_env(ADS, 2, 0)
    for kwargs, message in (
        ({"rule": "oracle"}, "rule must be one of fixed_cpa"),
        ({"rule": "constant"}, "'constant' of EcomAds-v0 has no offsets"),
        ({"rule": RULE, "max_offset": 0.0}, "max_offset must be > 0, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            VecResidual(venv, **kwargs)
    with pytest.raises(ValueError, match="must be an EcomVecEnv of a registered id"):
        VecResidual(VecResidual(venv, rule=RULE), rule=RULE)
    with pytest.raises(ValueError, match="model must shift a rule"):
        ResidualPolicy(PPO("MlpPolicy", venv), venv.task)


def test_a_day_that_is_over_is_worth_nothing_more():
    """SB3 adds gamma x V(terminal) at a time limit: the callback takes the flag away before."""

    def last_rewards(callbacks):
        venv = make_vec_env(ADS, 3, 5)
        model = PPO("MlpPolicy", venv, n_steps=48, batch_size=48, n_epochs=1, gamma=1.0, seed=0)
        # The critic is set to say 1000 of everything.
        model.policy.value_net.bias.data.fill_(1000.0)
        model._setup_learn(144, callbacks)
        callback = model._init_callback(callbacks)
        callback.on_training_start({}, {})
        model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=48)
        return model.rollout_buffer.rewards[-1]

    added = last_rewards(None) - last_rewards(TerminalHorizon())
    np.testing.assert_allclose(added, 1000.0, rtol=0.05)
