import warnings

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor, load_results
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.sb3 import EcomVecEnv, make_vec_env
from tests.toy import LAYOUT, TOYS, ToyTask


def sampled(space, n, steps, seed=3):
    batch = gym.vector.utils.batch_space(space, n)
    batch.seed(seed)
    return [batch.sample() for _ in range(steps)]


@pytest.mark.parametrize("env_id", TOYS)
def test_one_copy_gives_what_dummy_vec_env_gives(env_id):
    ours = make_vec_env(env_id, seed=5)
    theirs = DummyVecEnv([lambda: Monitor(gym.make(env_id))])
    theirs.seed(5)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ends = []
    for action in sampled(ours.action_space, 1, 200):
        got, expected = ours.step(action), theirs.step(action)
        for a, b in zip(got[:3], expected[:3], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        mine, their = got[3][0], expected[3][0]
        assert mine["TimeLimit.truncated"] == their["TimeLimit.truncated"]
        if got[2][0]:
            ends.append(mine["TimeLimit.truncated"])
            np.testing.assert_array_equal(mine["terminal_observation"], their["terminal_observation"])
            np.testing.assert_array_equal(mine["slate"], their["slate"])
            assert mine["reward_terms"] == their["reward_terms"]
            assert mine["episode_totals"] == their["episode_totals"]
            assert mine["episode"]["r"] == pytest.approx(their["episode"]["r"], abs=1e-5)
            assert mine["episode"]["l"] == their["episode"]["l"]
    assert any(ends)
    assert not all(ends)


def test_batch_infos_hold_the_last_of_the_old_episode():
    venv = make_vec_env("EcomToy-v0", n_envs=32, seed=0)
    loop = StepLoop(ToyTask(), 32)
    np.testing.assert_array_equal(venv.reset(), loop.reset(0))
    for action in sampled(venv.action_space, 32, 20):
        observation, _, dones, infos = venv.step(action)
        result = loop.step(action)
        np.testing.assert_array_equal(observation, result.observation)
        np.testing.assert_array_equal(np.flatnonzero(dones), result.rows)
        for k, row in enumerate(result.rows):
            np.testing.assert_array_equal(infos[row]["terminal_observation"], result.final_observation[k])
            assert infos[row]["TimeLimit.truncated"] == result.truncated[row]
            assert infos[row]["episode"]["l"] == result.totals["length"][k]
        assert all("terminal_observation" not in infos[row] for row in np.flatnonzero(~dones))


def test_rewards_are_fresh_even_if_the_reward_is_a_term():
    venv = make_vec_env("EcomToy-v0", n_envs=4, seed=0, reward_weights={"clicks": 1.0})
    venv.reset()
    _, reward, _, _ = venv.step(np.zeros((4, 2), np.float32))
    assert reward.dtype == np.float32
    before = venv.last.terms["clicks"].copy()
    reward += 10.0
    np.testing.assert_array_equal(venv.last.terms["clicks"], before)


def test_same_seed_same_episodes_and_a_seed_is_used_once():
    first, second = (make_vec_env("EcomToyDiscrete-v0", n_envs=6, seed=8) for _ in range(2))
    np.testing.assert_array_equal(first.reset(), second.reset())
    for action in sampled(first.action_space, 6, 15):
        np.testing.assert_array_equal(first.step(action)[1], second.step(action)[1])
    taste = first.loop.state.hidden.copy()
    first.reset()
    assert not np.array_equal(first.loop.state.hidden, taste)


def test_last_holds_terms_and_report_of_every_copy():
    venv = make_vec_env("EcomToyMultiDiscrete-v0", n_envs=3, seed=1)
    venv.reset()
    venv.step(np.ones((3, 2), dtype=np.int64))
    assert venv.last.step_info["slate"].shape == (3, 2)
    assert venv.last.terms["clicks"].shape == (3,)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros((2, 2)), "shape"),
        (np.full((3, 2), np.nan), r"\[-1.0, 1.0\], got nan"),
        (np.full((3, 2), 1.5), r"\[-1.0, 1.0\], got 1.5"),
    ],
)
def test_bad_actions_are_refused(action, message):
    venv = make_vec_env("EcomToy-v0", n_envs=3)
    venv.reset()
    with pytest.raises(ValueError, match=message):
        venv.step(action)


def test_pictures_tile_and_texts_come_per_copy():
    venv = make_vec_env("EcomToy-v0", n_envs=4, render_mode="rgb_array")
    venv.reset()
    assert len(venv.get_images()) == 4
    assert venv.render().shape == (960, 1280, 3)
    text = make_vec_env("EcomToy-v0", n_envs=2, render_mode="ansi")
    text.reset()
    assert [page.splitlines()[0] for page in text.env_method("render")] == ["page 0", "page 0"]
    with pytest.raises(ValueError, match="render_mode"):
        make_vec_env("EcomToy-v0", render_mode="human")


def test_attributes_are_those_of_the_task():
    venv = make_vec_env("EcomToy-v0", n_envs=3, horizon=5)
    assert venv.get_attr("horizon") == [5, 5, 5]
    assert venv.get_attr("spec", indices=0)[0].id == "EcomToy-v0"
    venv.set_attr("horizon", 2)
    assert venv.get_attr("horizon", [0, 2]) == [2, 2]
    with pytest.raises(ValueError, match="all 3 copies"):
        venv.set_attr("horizon", 3, indices=[0])
    with pytest.raises(AttributeError):
        venv.get_attr("no_such_thing")
    assert not venv.has_attr("action_masks")
    assert venv.env_is_wrapped(Monitor) == [True] * 3


def test_monitor_file_is_read_by_sb3(tmp_path):
    venv = make_vec_env("EcomToy-v0", n_envs=8, seed=0, monitor_dir=str(tmp_path))
    venv.reset()
    episodes = sum(int(venv.step(a)[2].sum()) for a in sampled(venv.action_space, 8, 40))
    venv.close()
    frame = load_results(str(tmp_path))
    assert len(frame) == episodes
    assert set(frame) >= {"r", "l", "t"}
    assert frame["l"].max() == 8


def test_staggered_copies_end_apart_and_report_their_true_length():
    venv = make_vec_env("EcomToy-v0", n_envs=8, seed=0, stagger=True, patience=1.0)
    venv.reset()
    seen = []
    for _ in range(8):
        _, _, dones, infos = venv.step(np.zeros((8, 2), np.float32))
        seen += [(int(row), infos[row]["episode_totals"]["length"]) for row in np.flatnonzero(dones)]
    assert sorted(seen) == [(row, 8 - row) for row in range(8)]


def test_sb3_trains_and_evaluates_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        venv = VecNormalize(make_vec_env("EcomToy-v0", n_envs=16, seed=0, stagger=True), norm_obs=False)
        model = PPO("MlpPolicy", venv, n_steps=16, batch_size=128, n_epochs=2, device="cpu").learn(512)
        mean, _ = evaluate_policy(model, make_vec_env("EcomToy-v0", n_envs=16, seed=1), n_eval_episodes=64)
    assert len(model.ep_info_buffer) == 100
    assert np.isfinite(mean)


class MaskedTask(ToyTask):
    def action_masks(self, state):
        return np.arange(5)[None, :] >= 2 * np.ones((len(state.hidden), 1))


@pytest.mark.parametrize(
    "venv",
    [
        EcomVecEnv(MaskedTask(action="discrete"), 8),
        DummyVecEnv([lambda: Monitor(EcomEnv(MaskedTask(action="discrete")))] * 2),
    ],
)
def test_maskable_ppo_keeps_to_the_mask(venv):
    model = MaskablePPO("MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=1, device="cpu").learn(256)
    slates = model.rollout_buffer.actions
    assert slates.min() >= 2


def test_history_layout_reaches_the_policy():
    venv = VecNormalize(make_vec_env("EcomToy-v0", n_envs=2), norm_obs=False)
    assert venv.observation_space.layout == LAYOUT
