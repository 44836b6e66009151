import gymnasium as gym
import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.task import check_reward_weights
from tests.toy import ToyTask, register_toys

register_toys()


def still(n):
    return np.zeros((n, 2), dtype=np.float32)


def test_an_episode_is_truncated_at_the_horizon_and_not_marked_terminated():
    loop = StepLoop(ToyTask(horizon=3, patience=1.0), 4)  # patience 1: nobody leaves by himself
    loop.reset(0)
    for _ in range(2):
        assert not loop.step(still(4)).truncated.any()
    result = loop.step(still(4))
    assert result.truncated.all()
    assert not result.terminated.any()
    np.testing.assert_array_equal(result.totals["length"], 3)


def test_final_observation_is_of_the_old_episode_and_observation_of_the_new_one():
    loop = StepLoop(ToyTask(horizon=3, patience=1.0), 4)
    loop.reset(0)
    for _ in range(3):
        result = loop.step(still(4))
    pages = ToyTask(horizon=3).observation_space.layout.split(result.final_observation)[0][:, 0]
    np.testing.assert_allclose(pages, 1.0)  # page / horizon
    assert (result.observation[:, 0] == 0).all()
    assert (result.observation[:, 2:] == 0).all()


def test_totals_are_the_sums_over_the_episode_that_ended():
    loop = StepLoop(ToyTask(), 16)
    loop.reset(3)
    sums = np.zeros(16)
    seen = 0
    for _ in range(60):
        result = loop.step(still(16))
        sums += result.reward
        np.testing.assert_allclose(result.totals["reward"], sums[result.rows], atol=1e-5)
        seen += result.rows.size
        sums[result.rows] = 0
    assert seen > 20


def test_staggered_copies_are_truncated_at_different_steps():
    loop = StepLoop(ToyTask(horizon=8, patience=1.0), 4, stagger=True)
    loop.reset(0)
    first = {}
    for step in range(1, 9):
        for row in loop.step(still(4)).rows:
            first.setdefault(int(row), step)
    assert sorted(first.values()) == [2, 4, 6, 8]


def test_reset_without_a_seed_goes_on_with_new_customers():
    loop = StepLoop(ToyTask(), 8)
    loop.reset(0)
    tastes = [loop.state.hidden.copy()]
    loop.reset()
    tastes.append(loop.state.hidden.copy())
    loop.reset(0)
    np.testing.assert_array_equal(loop.state.hidden, tastes[0])
    assert not np.allclose(tastes[0], tastes[1])


def test_copies_that_all_end_at_once_start_anew_as_some_do():
    """Where a copy goes on, the loop restarts row by row; where none does, it starts all anew."""
    all_end, some_end = (StepLoop(ToyTask(horizon=3, patience=1.0), 4) for _ in range(2))
    for loop in (all_end, some_end):
        loop.reset(5)
    some_end._elapsed = some_end._elapsed - np.array([0, 0, 0, 2])  # the last goes on for two steps more
    for _ in range(3):
        ours, theirs = all_end.step(still(4)), some_end.step(still(4))
    assert ours.rows.tolist() == [0, 1, 2, 3]
    assert theirs.rows.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(ours.final_observation[:3], theirs.final_observation)
    np.testing.assert_array_equal(ours.observation[:3], theirs.observation[:3])
    for name, total in ours.totals.items():
        np.testing.assert_array_equal(total[:3], theirs.totals[name])
    ours, theirs = all_end.step(still(4)), some_end.step(still(4))
    np.testing.assert_array_equal(ours.observation[:3], theirs.observation[:3])
    for _ in range(2):
        ours = all_end.step(still(4))
    np.testing.assert_array_equal(ours.totals["length"], 3)  # the second episode is counted from its start


def test_step_before_reset_says_what_to_call():
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        StepLoop(ToyTask(), 1).step(still(1))
    with pytest.raises(ValueError, match=r"num_envs must be a whole number .*, got 0"):
        StepLoop(ToyTask(), 0)


def test_single_env_refuses_to_step_past_the_end():
    env = gym.make("EcomToy-v0", horizon=1).unwrapped
    env.reset(seed=0)
    env.step(still(1)[0])
    with pytest.raises(RuntimeError, match="after the episode ended"):
        env.step(still(1)[0])


def test_reset_in_mid_episode_starts_another_visitor():
    env = gym.make("EcomToy-v0").unwrapped
    env.reset(seed=0)
    before = env.loop.state.hidden.copy()
    env.reset()
    assert env.loop.state.hidden != before


def test_reset_noise_depends_on_seed_and_key_only():
    one, two = NumpyBackend(), NumpyBackend()
    one.seed(5)
    two.seed(5)
    two.uniform((100,))
    np.testing.assert_array_equal(one.spawn(7).uniform((4,)), two.spawn(7).uniform((4,)))
    assert not np.array_equal(one.spawn(7).uniform((4,)), one.spawn(8).uniform((4,)))


def test_reward_weights_are_checked():
    with pytest.raises(ValueError, match=r"unknown term 'likes'; known terms: clicks, movement"):
        check_reward_weights({"likes": 1.0}, ("clicks", "movement"))
    with pytest.raises(ValueError, match=r"reward_weights\['clicks'\] must be a finite number .*, got nan"):
        check_reward_weights({"clicks": float("nan")}, ("clicks",))


def test_all_zero_weights_give_a_zero_reward():
    loop = StepLoop(ToyTask(reward_weights={"clicks": 0.0}), 4)
    loop.reset(0)
    np.testing.assert_array_equal(loop.step(still(4)).reward, 0.0)


def test_vector_info_follows_gymnasium():
    envs = gym.make_vec("EcomToy-v0", num_envs=3, vectorization_mode="vector_entry_point", horizon=3)
    envs.reset(seed=0)
    for _ in range(50):
        *_, terminated, truncated, info = envs.step(still(3))
        done = terminated | truncated
        if done.any() and not done.all():
            break
    np.testing.assert_array_equal(info["_final_obs"], done)
    for row in range(3):
        assert (info["final_obs"][row] is not None) == done[row]
    totals = info["final_info"]["episode_totals"]
    assert (totals["length"][done] >= 1).all()
    assert info["slate"].shape == (3, 1)


def test_ids_are_registered_with_both_faces():
    assert gym.spec("EcomToy-v0").vector_entry_point is not None
    assert "EcomToy-v0" in sb3_ecom.specs()
    with pytest.raises(ValueError, match=r"env id must be one of .*EcomToy-v0.*got 'EcomNone-v0'"):
        sb3_ecom.spec("EcomNone-v0")


@pytest.mark.parametrize("action", ["box", "discrete"])
def test_merging_over_all_rows_gives_what_gathering_gives(action):
    gathered, merged = (StepLoop(ToyTask(action), 16, stagger=True) for _ in range(2))
    merged.backend.gathers = False
    np.testing.assert_array_equal(gathered.reset(4), merged.reset(4))
    ended = 0
    for step in range(40):
        act = still(16) if action == "box" else np.full(16, step % 5)
        ours, theirs = gathered.step(act), merged.step(act)
        rows = ours.rows
        ended += rows.size
        assert theirs.rows is None
        np.testing.assert_array_equal(ours.observation, theirs.observation)
        np.testing.assert_array_equal(rows, np.flatnonzero(theirs.terminated | theirs.truncated))
        np.testing.assert_array_equal(ours.final_observation, theirs.final_observation[rows])
        for name, total in ours.totals.items():
            np.testing.assert_array_equal(total, theirs.totals[name][rows])
    assert ended > 40
