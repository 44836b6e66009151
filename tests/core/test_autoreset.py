"""gymnasium's three ways to begin the next episode, held against its own SyncVectorEnv."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import sb3_ecom
from sb3_ecom.core.registry import make_env

MODES = [mode.name.lower() for mode in AutoresetMode]
IDS = sorted(sb3_ecom.specs())


def vector(env_id, n, mode, **kwargs):
    return gym.make_vec(
        env_id, n, vectorization_mode="vector_entry_point", autoreset_mode=mode, max_episode_steps=4, **kwargs
    )


def sync(env_id, n, mode):
    # Not gym.make: its TimeLimit would cut episodes that the task does not know to have ended.
    return SyncVectorEnv(
        [lambda: make_env(env_id, max_episode_steps=4)] * n, autoreset_mode=AutoresetMode[mode.upper()]
    )


def restart(envs, done, mode):
    """Restart the copies that are done, where that is the caller's task; return the observations."""
    if mode == "disabled" and done.any():
        return envs.reset(options={"reset_mask": done})[0]
    return None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("env_id", IDS)
def test_one_copy_returns_what_gymnasium_returns_in_the_same_mode(env_id, mode):
    ours, theirs = vector(env_id, 1, mode), sync(env_id, 1, mode)
    assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]
    np.testing.assert_array_equal(ours.reset(seed=5)[0], theirs.reset(seed=5)[0])
    ours.action_space.seed(0)
    ended = 0
    for _ in range(14):
        action = ours.action_space.sample()
        mine, his = ours.step(action), theirs.step(action)
        np.testing.assert_array_equal(mine[0], his[0])
        np.testing.assert_allclose(mine[1], his[1], rtol=1e-6)
        for a, b in zip(mine[2:4], his[2:4], strict=True):
            np.testing.assert_array_equal(a, b)
        done = mine[2] | mine[3]
        ended += done.sum()
        if mode != "same_step":
            assert ("_episode_totals" in mine[4]) == ("episode_totals" in his[4]) == bool(done.any())
        if (again := restart(theirs, done, mode)) is not None:
            assert ours.reset(options={"reset_mask": done})[0].shape == again.shape
            break  # a reset with a mask draws a customer of its own
    assert ended >= (1 if mode == "disabled" else 3)


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomAdsTarget-v0", "EcomInventory-v0", "EcomLostSales-v0"])
def test_next_step_shows_the_last_page_and_begins_where_same_step_begins(env_id):
    same, following = vector(env_id, 6, "same_step"), vector(env_id, 6, "next_step")
    np.testing.assert_array_equal(same.reset(seed=3)[0], following.reset(seed=3)[0])
    same.action_space.seed(0)
    running = np.ones(6, bool)
    for _ in range(4):  # until a copy has ended, both have met the same noise
        action = same.action_space.sample()
        a, b = same.step(action), following.step(action)
        done = (a[2] | a[3]) & running
        np.testing.assert_array_equal(a[0][running & ~done], b[0][running & ~done])
        for row in np.flatnonzero(done):
            np.testing.assert_array_equal(a[4]["final_obs"][row], b[0][row])
            totals = a[4]["final_info"]["episode_totals"]
            assert {k: v[row] for k, v in totals.items()} == {
                k: v[row] for k, v in b[4]["episode_totals"].items()
            }
        if done.any():
            first = a[0][done]
            c = following.step(action)
            np.testing.assert_array_equal(c[0][done], first)
            assert not c[1][done].any()
            assert not (c[2] | c[3])[done].any()
            if not done.all():
                np.testing.assert_array_equal(c[4]["_reward_terms"], ~done)
                assert all((term[done] == 0).all() for term in c[4]["reward_terms"].values())
            return
        running &= ~done
    raise AssertionError("no episode ended")


def test_an_episode_that_waits_has_its_full_length_and_totals():
    envs, lengths = vector("EcomRec-v0", 64, "next_step"), []
    envs.reset(seed=0)
    envs.action_space.seed(1)
    steps = np.zeros(64)
    began = np.ones(64, bool)
    for _ in range(40):
        _, reward, terminated, truncated, info = envs.step(envs.action_space.sample())
        moved = info.get("_reward_terms", np.ones(64, bool)) if info else np.zeros(64, bool)
        assert (moved | began | (reward == 0)).all()
        steps = np.where(moved, steps + 1, 0)
        done = terminated | truncated
        if done.any():
            np.testing.assert_array_equal(info["_episode_totals"], done)
            np.testing.assert_array_equal(info["episode_totals"]["length"][done], steps[done])
            lengths += steps[done].tolist()
        assert (steps <= 4).all()
    assert max(lengths) == 4
    assert len(lengths) > 100


def test_disabled_asks_for_the_reset_of_ended_copies_and_leaves_the_others_alone():
    envs = vector("EcomLostSales-v0", 3, "disabled")
    envs.reset(seed=0)
    for _ in range(4):
        last, _, _, truncated, _ = envs.step(np.zeros(3, int))
    assert truncated.all()
    with pytest.raises(RuntimeError, match=r"copies \[0, 1, 2\] have ended.*reset_mask"):
        envs.step(np.zeros(3, int))
    some, _ = envs.reset(options={"reset_mask": np.array([True, False, False])})
    np.testing.assert_array_equal(some[1:], last[1:])
    with pytest.raises(RuntimeError, match=r"copies \[1, 2\] have ended"):
        envs.step(np.zeros(3, int))
    envs.reset(options={"reset_mask": np.array([False, True, True])})
    assert not envs.step(np.zeros(3, int))[3].any()


def test_an_unknown_mode_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"autoreset_mode must be one of.*next_step.*'later'"):
        vector("EcomRec-v0", 2, "later")


def test_a_copy_that_begins_is_drawn_without_a_last_page():
    envs = vector("EcomRec-v0", 2, "next_step", render_mode="ansi")
    envs.reset(seed=0)
    zero = np.zeros_like(envs.action_space.sample())
    for _ in range(8):
        done = np.logical_or(*envs.step(zero)[2:4])
        if done.any():
            row = int(np.flatnonzero(done)[0])
            last = envs.render()[row]
            envs.step(zero)
            first = envs.render()[row]
            assert first != last
            assert len(first.splitlines()) <= len(last.splitlines())
            return
    raise AssertionError("no episode ended")
