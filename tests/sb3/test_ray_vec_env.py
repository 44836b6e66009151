"""Copies in the actors of a local Ray cluster are held against those of one process."""

import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.sb3 import make_vec_env

ray = pytest.importorskip("ray", reason="needs the extra ray: pip install 'sb3-ecom[ray]'")

from sb3_ecom.sb3.ray.shards import shard_seeds  # noqa: E402
from sb3_ecom.sb3.ray.vec_env import RayVecEnv  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


def same_step(ours, theirs):
    for one, other in zip(ours[:3], theirs[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(ours[3], theirs[3], strict=True):
        assert one.keys() == other.keys()
        if "episode" in one:
            assert one["episode"]["r"] == other["episode"]["r"]
            np.testing.assert_array_equal(one["terminal_observation"], other["terminal_observation"])


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomAds-v0", "EcomInventory-v0"])
def test_one_shard_is_the_local_vec_env_bit_for_bit(env_id):
    ours, theirs = RayVecEnv(env_id, 6, seed=3), make_vec_env(env_id, 6, seed=3)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ours.action_space.seed(0)
    for _ in range(12):
        action = np.stack([ours.action_space.sample() for _ in range(6)])
        same_step(ours.step(action), theirs.step(action))
    ours.close()


def test_each_shard_is_a_local_vec_env_of_its_own_seed():
    ours = RayVecEnv("EcomRec-v0", 8, shards=2, seed=5)
    parts = [make_vec_env("EcomRec-v0", 4, seed=seed) for seed in shard_seeds(5, 2)]
    np.testing.assert_array_equal(ours.reset(), np.concatenate([part.reset() for part in parts]))
    ended = 0
    for _ in range(15):
        action = np.zeros((8, *ours.action_space.shape), np.float32)
        observation, reward, done, infos = ours.step(action)
        theirs = [part.step(action[:4]) for part in parts]
        same_step(
            (observation, reward, done, infos),
            (*(np.concatenate([t[i] for t in theirs]) for i in range(3)), theirs[0][3] + theirs[1][3]),
        )
        ended += done.sum()
    assert ended > 3
    ours.close()


def test_a_lost_actor_is_replaced_and_its_episodes_are_truncated_with_one_warning():
    envs = RayVecEnv("EcomRec-v0", 6, shards=2, seed=1)
    envs.reset()
    action = np.zeros((6, *envs.action_space.shape), np.float32)
    shown = envs.step(action)[0]
    ray.kill(envs.loop.actors[1])
    with pytest.warns(RuntimeWarning, match="lost the actor of copies 3 to 5") as told:
        observation, reward, done, infos = envs.step(action)
    assert len(told) == 1
    assert done[3:].all()
    assert not reward[3:].any()
    for row in (3, 4, 5):
        assert infos[row]["TimeLimit.truncated"]
        assert "episode" not in infos[row]  # half a visit is not counted as one
        np.testing.assert_array_equal(infos[row]["terminal_observation"], shown[row])
        assert not np.array_equal(observation[row], shown[row])
    assert not any(info.get("TimeLimit.truncated") for info in infos[:3])
    for _ in range(30):
        _, _, done, infos = envs.step(action)
        if done[3:].any():
            assert "episode" in infos[3 + int(np.argmax(done[3:]))]  # of the new actor, whole
            break
    else:
        raise AssertionError("no episode of the new actor ended")
    envs.close()


def test_sb3_trains_on_it_and_masks_reach_it():
    envs = RayVecEnv("EcomRecSingle-v0", 4, shards=2, seed=0)
    PPO("MlpPolicy", envs, n_steps=8, batch_size=32, n_epochs=1).learn(64)
    masks = envs.env_method("action_masks")
    assert np.asarray(masks).shape == (4, envs.action_space.n)
    envs.close()


def test_what_it_can_not_do_is_said():
    with pytest.raises(ValueError, match="num_envs must be a multiple of the 3 shards, got 4"):
        RayVecEnv("EcomRec-v0", 4, shards=3)
    envs = RayVecEnv("EcomRec-v0", 2)
    with pytest.raises(ValueError, match=r"set_attr\('horizon'\) does not reach the actors"):
        envs.set_attr("horizon", 3)
    envs.close()
