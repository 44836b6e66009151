"""SB3's evaluation of item rows counts every half-year once, and frequencies are timesteps."""

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.sb3 import RowFrequencies, VecItemRows, make_vec_env

SHOP = "EcomInventory-v0"


def rows_of(n, **kwargs):
    return VecItemRows(make_vec_env(SHOP, n, seed=1), **kwargs)


@pytest.fixture(scope="module")
def model():
    return PPO("MlpPolicy", rows_of(1), n_steps=8, batch_size=8, n_epochs=1, seed=0)


@pytest.mark.parametrize(("shops", "asked"), [(1, 5), (1, 12), (4, 20), (3, 7)])
def test_evaluate_policy_counts_every_half_year_of_a_shop_once(model, shops, asked):
    returns, lengths = evaluate_policy(
        model, VecNormalize(rows_of(shops), norm_obs=False), asked, return_episode_rewards=True
    )
    assert len(returns) == len(set(returns)) == asked
    assert set(lengths) == {182}  # no half-run one of `stagger`


@pytest.mark.parametrize("shops", [1, 3])
def test_eval_callback_counts_every_half_year_of_a_shop_once(shops, tmp_path):
    callback = EvalCallback(
        rows_of(shops),
        n_eval_episodes=5,
        eval_freq=8,
        log_path=str(tmp_path),
        best_model_save_path=str(tmp_path),
    )
    learner = PPO("MlpPolicy", rows_of(1), n_steps=8, batch_size=8, n_epochs=1, seed=0)
    learner.learn(80, callback=callback)
    (returns,), (lengths,) = callback.evaluations_results, callback.evaluations_length
    assert len(set(returns)) == 5
    assert set(lengths) == {182}


def test_staggered_copies_report_whole_episodes_only():
    venv = make_vec_env(SHOP, 4, seed=0, stagger=True)
    venv.reset()
    reported = []
    for _ in range(2 * 182):
        _, _, _, infos = venv.step([venv.action_space.sample() * 0] * 4)
        reported += [info["episode"]["l"] for info in infos if "episode" in info]
    assert len(reported) == 5  # 2 of the first copy, 1 each of the others
    assert set(reported) == {182}


def test_frequencies_that_rl_zoo_divides_by_copies_mean_timesteps(tmp_path):
    shops, asked = 2, 320
    venv = rows_of(shops)
    save = CheckpointCallback(save_freq=max(asked // shops, 1), save_path=str(tmp_path))  # as rl-zoo does
    learner = PPO("MlpPolicy", venv, n_steps=8, batch_size=160, n_epochs=1, seed=0)
    learner.learn(960, callback=[save, RowFrequencies()])
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == [
        f"rl_model_{steps}_steps.zip" for steps in (320, 640, 960)
    ]
    learner.learn(320, callback=[save, RowFrequencies()])  # a second call divides no further
    assert save.save_freq == 16
