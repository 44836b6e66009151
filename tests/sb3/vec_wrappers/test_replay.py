"""`rl_zoo3.enjoy` shows the environment's return, whatever training was paid with."""

import numpy as np
import pytest
from rl_zoo3.utils import create_test_env

from sb3_ecom.sb3.zoo import batched_vec_env
from tests.sb3.vec_wrappers.test_expected_advantage import gains_of

WRAPPERS = {
    "EcomRec-v0": [{"sb3_ecom.sb3.VecExpectedAdvantage": {"discount": 1.0}}],
    "EcomAds-v0": [{"sb3_ecom.sb3.VecResidual": {"rule": "model_predictive_feedback"}}],
}


@pytest.mark.parametrize("env_id", WRAPPERS)
def test_rewards_of_a_replay_add_up_to_the_return(env_id):
    hyperparams = {"vec_env_wrapper": WRAPPERS[env_id], "normalize": False}
    env = create_test_env(
        env_id, seed=3, should_render=False, hyperparams=hyperparams, vec_env_cls=batched_vec_env
    )
    env.reset()
    action = np.zeros((1, *env.action_space.shape), dtype=np.float32)
    total, infos = 0.0, [{}]
    while "episode" not in infos[0]:
        _, reward, _, infos = env.step(action)
        total += reward[0]
    assert total == pytest.approx(infos[0]["episode"]["r"], rel=1e-4)
    assert abs(total) > 0.5


def test_a_replay_of_item_rows_is_one_environment_with_its_own_reward():
    wrapper = {"sb3_ecom.sb3.VecItemRows": {"team": 0.3}}
    env = create_test_env(
        "EcomInventory-v0",
        seed=3,
        should_render=False,
        hyperparams={"vec_env_wrapper": [wrapper], "normalize": False},
        env_kwargs={"num_items": 3, "horizon": 30},
        vec_env_cls=batched_vec_env,
    )
    seen, total, infos = env.reset(), 0.0, [{}]
    while "episode" not in infos[0]:
        action = np.zeros((3, *env.action_space.shape), dtype=np.float32)
        assert seen.shape == (3, *env.observation_space.shape)
        seen, reward, done, infos = env.step(action)
        assert (reward.shape, done.shape) == ((1,), (1,))
        total += reward[0]
    assert infos[0]["terminal_observation"].shape == seen.shape
    assert total == pytest.approx(infos[0]["episode"]["r"], rel=1e-4)


def test_a_training_environment_pays_advantages_until_it_is_told_otherwise():
    venv = gains_of(4, discount=1.0)
    venv.reset()
    action = np.zeros((4, 14), dtype=np.float32)
    assert venv.training
    assert not set(np.unique(venv.step(action)[1])) <= {0.0, 1.0}
    venv.training = False
    assert set(np.unique(venv.step(action)[1])) <= {0.0, 1.0}
