import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import sb3_ecom
from sb3_ecom.sb3 import ItemRowPolicy, VecItemRows, make_vec_env
from sb3_ecom.sb3.saved_model import load_policy

SHOP = "EcomInventory-v0"
RULE = "forecast_pro_rata"
ITEMS = 10


def rows_of(n=3, seed=5, **kwargs):
    return VecItemRows(make_vec_env(SHOP, n, seed), **kwargs)


def play(venv, days, action=None, seed=0):
    draw = np.random.default_rng(seed)
    for _ in range(days):
        chosen = draw.uniform(-1, 1, (venv.num_envs, 2)) if action is None else action
        yield venv.step(np.asarray(chosen, np.float32))


def test_a_row_holds_what_the_observation_says_of_its_item():
    venv = rows_of(history=True, identity=True)
    rows = venv.reset()
    for rows, *_ in play(venv, 20):  # noqa: B007 - the last one is looked at
        pass
    seen, task = venv._observation, venv.venv.task
    context, history = task.observation_space.layout.split(seen)
    assert rows.shape == (3 * ITEMS, venv.observation_space.shape[0])
    for copy, item in ((0, 0), (2, 7)):
        row = rows[copy * ITEMS + item]
        np.testing.assert_array_equal(row[:11], context[copy, :11])
        np.testing.assert_array_equal(row[11:16], context[copy, 11 + item :: ITEMS][:5])
        np.testing.assert_array_equal(row[16:19], task.observation_space.blocks.catalogue[item])
        np.testing.assert_array_equal(row[19:29], np.eye(ITEMS)[item])
        past = row[29:].reshape(14, 3)
        np.testing.assert_array_equal(past[:, 0], history[copy, :, 0])
        np.testing.assert_array_equal(past[:, 1], history[copy, :, 1 + item])
        np.testing.assert_array_equal(past[:, 2], history[copy, :, 1 + ITEMS + item])


def test_rows_without_a_rule_are_the_task_s_own_actions():
    venv, plain = rows_of(), make_vec_env(SHOP, 3, 5)
    venv.reset()
    plain.reset()
    draw = np.random.default_rng(1)
    for _ in range(5):
        action = draw.uniform(-1, 1, (3, ITEMS, 2)).astype(np.float32)
        venv.step(action.reshape(-1, 2))
        expected = plain.step(np.concatenate([action[:, :, 0], action[:, :, 1]], axis=1))[0]
        np.testing.assert_array_equal(venv._observation, expected)


def test_rewards_of_a_copy_s_rows_share_out_its_reward():
    selfish, shared, alike = (rows_of(team=team) for team in (0.0, 0.25, 1.0))
    for venv in (selfish, shared, alike):
        venv.reset()
    for own, mixed, whole in zip(play(selfish, 8), play(shared, 8), play(alike, 8), strict=True):
        total = selfish.venv.last.reward
        own, mixed, whole = (step[1].reshape(3, ITEMS) for step in (own, mixed, whole))
        np.testing.assert_allclose(own.sum(axis=1), total, atol=1e-5)
        np.testing.assert_allclose(whole, np.repeat(total[:, None], ITEMS, 1), atol=1e-5)
        np.testing.assert_allclose(mixed, 0.75 * own + 0.25 * whole, atol=1e-5)
        assert np.ptp(own) > 0


def test_a_zero_action_is_the_rule_and_earns_what_its_twin_earns():
    venv = rows_of(rule=RULE, twin=True)
    venv.reset()
    for days in (200, 30):  # copies end in between, each at its own time
        for _, reward, *_ in play(venv, days, np.zeros((30, 2))):
            np.testing.assert_array_equal(reward, 0)
        venv.reset()  # the second half-years meet the same customers too


def test_a_turned_knob_earns_the_difference_to_the_twin():
    venv, plain = rows_of(rule=RULE, twin=True, team=0.0), rows_of(rule=RULE, team=0.0)
    ruled = make_vec_env(SHOP, 3, 5)
    ruled.loop.stagger = True
    venv.reset()
    plain.reset()
    observation = ruled.reset()
    rule, apart = sb3_ecom.spec(SHOP).baselines[RULE](ruled.task), 0.0
    for step, alone in zip(play(venv, 60), play(plain, 60), strict=True):
        observation, *_ = ruled.step(rule(observation))
        difference = alone[1].reshape(3, ITEMS) - ruled.last.step_info["item_reward"]
        np.testing.assert_allclose(step[1].reshape(3, ITEMS), difference, atol=1e-5)
        apart = max(apart, float(np.abs(difference).max()))
    assert apart > 0


def test_a_knob_adds_to_the_rule_s_parameter():
    task = sb3_ecom.spec(SHOP).make_task()
    loop = make_vec_env(SHOP, 4, 0)
    observation = loop.reset()
    rule = sb3_ecom.spec(SHOP).baselines["forecast_s_S"](task)
    shift = np.zeros((4, 2 * ITEMS))
    shift[:, 3] = 0.4  # the reorder point of item 3; multipliers are exp(1.5 a)
    np.testing.assert_allclose(rule(observation, shift)[:, 3] - rule(observation)[:, 3], 0.4 / 1.5, atol=1e-5)
    others = [i for i in range(2 * ITEMS) if i not in (3, ITEMS + 3)]
    np.testing.assert_array_equal(rule(observation, shift)[:, others], rule(observation)[:, others])


def test_an_ended_half_year_gives_every_row_its_last_rows_and_the_copy_s_return():
    venv = rows_of(n=2, stagger=False)
    venv.reset()
    zeros = np.zeros((2 * ITEMS, 2), np.float32)
    for rows, _, done, infos in play(venv, 182, zeros):  # noqa: B007
        pass
    assert done.all()
    finals = np.stack([info["terminal_observation"] for info in infos])
    np.testing.assert_array_equal(finals, venv.rows.cut(venv.venv.last.final_observation))
    assert np.abs(finals - rows).max() > 0.1  # the rows returned are of the new half-year
    returns = [info["episode"]["r"] for info in infos if "episode" in info]
    np.testing.assert_allclose(returns, venv.venv.last.totals["reward"], rtol=1e-4)
    assert all(info["TimeLimit.truncated"] for info in infos)


def test_a_saved_model_acts_on_whole_observations(tmp_path):
    venv = VecNormalize(rows_of(rule=RULE, twin=True, max_offset=0.4), norm_obs=True)
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=160, n_epochs=1, seed=0)
    model.learn(960)
    folder = tmp_path / "ppo" / f"{SHOP}_1"
    (folder / SHOP).mkdir(parents=True)
    model.save(folder / SHOP)
    venv.save(str(folder / SHOP / "vecnormalize.pkl"))
    task = sb3_ecom.spec(SHOP).make_task()
    loaded = load_policy(folder, task, env_id=SHOP)
    observation = venv.venv._observation
    rows = venv.normalize_obs(venv.venv.rows.cut(observation))
    expected = venv.venv.rows.act(observation, model.predict(rows, deterministic=True)[0])
    np.testing.assert_allclose(loaded.predict(observation)[0], expected, atol=1e-5)
    assert sb3_ecom.evaluate(SHOP, loaded, episodes=4).returns.shape == (4,)
    smaller = sb3_ecom.spec(SHOP).make_task(num_items=2)
    with pytest.raises(ValueError, match="the model's rows are"):
        ItemRowPolicy(PPO("MlpPolicy", rows_of()), smaller)


def test_rows_that_do_not_say_which_item_they_are_fit_a_shop_of_any_size():
    model = PPO("MlpPolicy", rows_of(identity=False), seed=0)
    policy = ItemRowPolicy(model, sb3_ecom.spec(SHOP).make_task(num_items=3))
    result = sb3_ecom.evaluate(SHOP, policy, episodes=2, num_items=3)
    assert np.isfinite(result.returns).all()


def test_a_few_days_of_ppo_leave_the_rule_and_do_not_ruin_it():
    venv = rows_of(n=8, rule=RULE, twin=True)
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=640, n_epochs=1, learning_rate=3e-4, seed=0)
    model.learn(2560)
    ruled = sb3_ecom.evaluate(SHOP, RULE, episodes=64)
    learnt = sb3_ecom.evaluate(SHOP, ItemRowPolicy(model, venv.venv.task), episodes=64)
    assert (learnt.returns != ruled.returns).any()
    assert learnt.mean > 0.95 * ruled.mean


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"team": 1.5}, r"team must be in \[0, 1\], got 1\.5"),
        ({"max_offset": 0.0}, r"max_offset must be > 0, got 0\.0"),
        ({"rule": "horoscope"}, "rule must be one of static_s_S, .* got 'horoscope'"),
        ({"rule": "holt_winters"}, "rule 'holt_winters' of EcomInventory-v0 has no offsets"),
        ({"twin": True}, "twin=True needs a rule"),
    ],
)
def test_bad_settings_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        rows_of(**kwargs)


def test_other_environments_are_turned_away():
    with pytest.raises(ValueError, match=r"EcomVecEnv .* got DummyVecEnv"):
        VecItemRows(DummyVecEnv([lambda: gymnasium.make(SHOP)]))
    with pytest.raises(ValueError, match="reports no item_reward"):
        VecItemRows(make_vec_env("EcomLostSales-v0", 2))
    with pytest.raises(ValueError, match="must be one of item rows"):
        ItemRowPolicy(PPO("MlpPolicy", make_vec_env("EcomLostSales-v0", 2)), None)
