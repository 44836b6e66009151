"""What gymnasium, SB3 and Minari may ask of our environments, each asked and once wrong."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import sb3_ecom
from sb3_ecom.logs import UniformItems, record
from sb3_ecom.sb3 import make_vec_env


def vector(env_id="EcomInventory-v0", n=3, **kwargs):
    return gym.make_vec(env_id, n, vectorization_mode="vector_entry_point", **kwargs)


def test_a_reset_mask_restarts_the_copies_that_it_names_and_leaves_the_others_alone():
    ours, mask = vector(), np.array([True, False, False])
    kwargs = {"vector_kwargs": {"autoreset_mode": AutoresetMode.SAME_STEP}}
    theirs = gym.make_vec("EcomInventory-v0", 3, vectorization_mode="sync", **kwargs)
    for envs in (ours, theirs):
        envs.reset(seed=1)
        for _ in range(3):
            before = envs.step(np.zeros((3, 20), np.float32))[0].copy()
        after, _ = envs.reset(options={"reset_mask": mask})
        assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [False, True, True]
    assert ours.loop._elapsed.tolist() == [0, 3, 3]


@pytest.mark.parametrize("mask", [np.zeros(3, bool), np.ones(2, bool), np.array([1, 0, 0])])
def test_a_bad_reset_mask_is_named(mask):
    envs = vector()
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask must be"):
        envs.reset(options={"reset_mask": mask})


@pytest.mark.parametrize("seed", [1.5, [1, 2, 3], "1", True, -1])
def test_a_seed_that_is_not_one_whole_number_is_refused_in_every_form(seed):
    for make in (lambda: vector(), lambda: gym.make("EcomRec-v0").unwrapped):
        with pytest.raises(ValueError, match=r"seed must be one whole number >= 0"):
            make().reset(seed=seed)


def test_max_episode_steps_cuts_episodes_in_every_form():
    assert vector("EcomLostSales-v0", 2, max_episode_steps=3).loop.task.horizon == 3
    native = make_vec_env("EcomLostSales-v0", 2, max_episode_steps=3)
    native.reset()
    done = [native.step([0, 0])[2].tolist() for _ in range(3)]
    assert done == [[False] * 2, [False] * 2, [True] * 2]
    single = gym.make("EcomLostSales-v0", max_episode_steps=3)
    single.reset(seed=0)
    assert [single.step(0)[3] for _ in range(3)] == [False, False, True]
    with pytest.raises(ValueError, match="max_episode_steps must be a whole number >= 1, got 0"):
        make_vec_env("EcomLostSales-v0", 2, max_episode_steps=0)


def test_max_episode_steps_leaves_observations_as_they_are():
    long, short = (make_vec_env("EcomRec-v0", 4, seed=3, max_episode_steps=k) for k in (None, 5))
    np.testing.assert_array_equal(long.reset(), short.reset())
    action = np.zeros((4, 14), np.float32)
    for _ in range(3):
        ours = short.step(action)[0]
        np.testing.assert_array_equal(ours, long.step(action)[0])


def test_render_before_reset_says_what_to_do():
    with pytest.raises(RuntimeError, match="call reset"):
        make_vec_env("EcomRec-v0", 2, render_mode="rgb_array").render()


@pytest.mark.parametrize("env_id", sorted(sb3_ecom.specs()))
def test_an_unknown_argument_is_named_with_those_that_there_are(env_id):
    for make in (lambda **k: gym.make(env_id, **k), lambda **k: make_vec_env(env_id, 2, **k)):
        with pytest.raises(ValueError, match=f"{env_id}.*'colour'|unknown parameter.*colour|colour"):
            make(colour=1)


def test_a_minari_data_set_is_of_the_environment_that_was_recorded(tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    from sb3_ecom.logs.minari import to_minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    recorded = record("EcomRecCold-v0", UniformItems, episodes=2, seed=0, items=7, horizon=5)
    to_minari(recorded, "ecom/cold7/uniform-v0")
    data = minari.load_dataset("ecom/cold7/uniform-v0")
    episode = next(data.iterate_episodes())
    assert data.observation_space.contains(episode.observations[0])
    env = data.recover_environment()
    assert env.observation_space.shape == data.observation_space.shape
    assert env.unwrapped.task.horizon == 5


@pytest.mark.parametrize("action", [np.array(["a"]), np.array([None]), np.array([1j])])
def test_an_action_that_is_no_real_number_is_refused(action):
    env = gym.make("EcomLostSales-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action must be real numbers"):
        env.step(action[0])
