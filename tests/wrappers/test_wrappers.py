"""All wrappers: the faces agree, and what SB3 is owed stays as it was."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnvWrapper, VecMonitor, VecNormalize

from sb3_ecom import wrappers
from sb3_ecom.sb3.vec_env import make_vec_env
from sb3_ecom.sb3.vec_wrappers import rewards as reward_wrappers
from sb3_ecom.sb3.vec_wrappers.rewards import VecConstrainedReward, VecPrivateFeedback, VecWeightedReward
from sb3_ecom.wrappers import ConstrainedReward, Step, VectorRewardOnly, WeightedReward
from tests.wrappers.shop import (
    ALONE,
    FACES,
    NoTerms,
    batch,
    gym_face,
    roll,
    shop_env,
    singles,
    vec_face,
    wrapped_singles,
)

STEPS = 60


class Recorder(VecEnvWrapper):
    """Keeps every step of an EcomVecEnv as a rule would see it."""

    def __init__(self, venv):
        super().__init__(venv)
        self.steps = []

    def reset(self):
        return self.venv.reset()

    def step_wait(self):
        result = self.venv.step_wait()
        last = self.venv.last
        final = last.observation.copy()
        final[last.rows] = last.final_observation
        self.steps.append(
            Step(last.reward, last.terms, last.step_info, final, last.terminated, last.truncated)
        )
        return result


def tree_map_step(step, rows):
    return Step(*({k: v[rows] for k, v in x.items()} if isinstance(x, dict) else x[rows] for x in step))


@pytest.mark.parametrize("case", FACES)
def test_the_gym_face_and_the_vec_face_give_the_same_rewards(case):
    name, kwargs = FACES[case]
    inner = roll(wrapped_singles(name, kwargs, 3), STEPS)
    outer = roll(vec_face(name, kwargs, singles(3)), STEPS)
    assert outer[2].sum() > 10  # many episodes ended
    np.testing.assert_array_equal(inner[0], outer[0])
    np.testing.assert_allclose(inner[1], outer[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(inner[2], outer[2])


@pytest.mark.parametrize("case", {**FACES, **ALONE})
def test_one_natively_batched_copy_gives_the_rewards_of_the_single_env(case):
    name, kwargs = {**FACES, **ALONE}[case]
    inner = roll(wrapped_singles(name, kwargs, 1), 200)
    outer = roll(vec_face(name, kwargs, batch(1)), 200)
    np.testing.assert_allclose(inner[1], outer[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", FACES)
def test_the_rows_of_a_native_batch_get_what_each_would_get_alone(case):
    name, kwargs = FACES[case]
    venv = vec_face(name, kwargs, batch(4))
    raw = Recorder(batch(4))
    openings, _, dones, _ = roll(raw, STEPS)
    _, rewards, _, _ = roll(venv, STEPS)
    assert rewards.dtype == np.float32
    for row in range(4):
        one = slice(row, row + 1)
        state = venv.rule.start(openings[0, one], np.zeros(1))
        for t, before in enumerate(raw.steps):
            alone = tree_map_step(before, one)
            state, after = venv.rule.apply(state, alone, None)
            assert float(after.reward[0]) == pytest.approx(float(rewards[t, row]), rel=1e-5, abs=1e-6)
            if dones[t, row]:
                state = venv.rule.restart(state, alone.done, openings[t + 1, one], np.zeros(1))


@pytest.mark.parametrize("case", {**FACES, **ALONE})
@pytest.mark.parametrize("make", [singles, batch])
def test_terminal_observations_and_the_truncation_flag_are_untouched(case, make):
    name, kwargs = {**FACES, **ALONE}[case]
    raw, shaped = roll(make(3), STEPS)[3], roll(vec_face(name, kwargs, make(3)), STEPS)[3]
    ended = 0
    for before, after in zip(raw, shaped, strict=True):
        for old, new in zip(before, after, strict=True):
            assert old.get("TimeLimit.truncated") == new.get("TimeLimit.truncated")
            if "terminal_observation" in old:
                np.testing.assert_array_equal(old["terminal_observation"], new["terminal_observation"])
                ended += 1
    assert ended > 10


@pytest.mark.parametrize("case", {**FACES, **ALONE})
def test_state_does_not_leak_from_one_episode_into_the_next(case):
    name, kwargs = {**FACES, **ALONE}[case]
    if case == "cvar-adaptive":
        pytest.skip("its record of ended episodes is meant to last")
    env, fresh = gym_face(name, kwargs, shop_env()), gym_face(name, kwargs, shop_env())
    env.reset(seed=5)
    for _ in range(3):
        env.step(np.array([0, 4]))
    env.reset(seed=9)  # in the middle of an episode
    fresh.reset(seed=9)
    for _ in range(3):
        one, two = env.step(np.array([1, 2])), fresh.step(np.array([1, 2]))
        assert one[1] == two[1]
        if one[2] or one[3]:
            break


@pytest.mark.parametrize("case", {**FACES, **ALONE})
def test_sb3s_check_env_passes(case):
    name, kwargs = {**FACES, **ALONE}[case]
    check_env(gym_face(name, kwargs, shop_env()), warn=True)


@pytest.mark.parametrize("face", [WeightedReward, VecWeightedReward])
def test_an_unknown_term_lists_the_known_ones(face):
    single = face is WeightedReward
    env = face(shop_env() if single else batch(2), weights={"sales": 1.0})
    env.reset()
    with pytest.raises(ValueError, match=r"no reward term 'sales'; known terms: clicks, movement"):
        env.step(np.zeros(2, int) if single else np.zeros((2, 2), int))


class WithMargin(gym.Wrapper):
    """A user's own term."""

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        info["reward_terms"]["margin"] = 0.5
        return observation, reward, terminated, truncated, info


def test_a_term_that_a_users_wrapper_adds_can_be_weighted():
    env = WeightedReward(WithMargin(shop_env()), weights={"margin": 2.0})
    env.reset()
    assert env.step(np.array([0, 1]))[1] == 1.0


class WithCost(NoTerms):
    def step(self, action):
        return *super().step(action)[:4], {"cost": 3.0}


@pytest.mark.parametrize("vec", [False, True])
def test_a_number_of_info_can_be_limited_where_there_are_no_terms(vec):
    kwargs = {"term": "cost", "limit": 1.0, "multiplier": 2.0, "per": "step"}
    if vec:
        env = VecConstrainedReward(DummyVecEnv([WithCost]), **kwargs)
        env.reset()
        assert env.step(np.array([0]))[1] == [1.0 - 2.0 * (3.0 - 1.0)]
    else:
        env = ConstrainedReward(WithCost(), **kwargs)
        env.reset()
        assert env.step(0)[1] == 1.0 - 2.0 * (3.0 - 1.0)


def test_a_limit_on_an_unknown_name_lists_terms_and_numbers():
    venv = VecConstrainedReward(make_vec_env("EcomLostSales-v0", 2), "sales", 1.0)
    venv.reset()
    with pytest.raises(ValueError, match=r"known terms: holding.*; other numbers in info: .*unmet"):
        venv.step(np.zeros(2, int))


def test_a_fill_rate_is_limited_by_two_numbers_of_info():
    kwargs = {"term": "unmet", "limit": 0.05, "multiplier": 3.0, "per": "demand"}
    raw = make_vec_env("EcomLostSales-v0", 4)
    expected = roll_zeros(
        raw, lambda last: last.reward - 3.0 * (last.step_info["unmet"] - 0.05 * last.step_info["demand"])
    )
    shaped = roll_zeros(VecConstrainedReward(make_vec_env("EcomLostSales-v0", 4), **kwargs), None)
    np.testing.assert_allclose(shaped, expected, rtol=1e-5, atol=1e-5)


def roll_zeros(venv, read):
    """Return rewards, or what `read` makes of `venv.last`, while nothing is ordered."""
    venv.seed(1)
    venv.reset()
    kept = []
    for _ in range(20):
        reward = venv.step(np.zeros(4, int))[1]
        kept.append(reward if read is None else read(venv.last))
    return np.stack(kept)


def test_an_env_without_terms_is_told_what_is_missing_and_which_ids_have_it():
    message = r"NoTerms gives no info\[\"reward_terms\"\].*EcomToy-v0"
    env = WeightedReward(NoTerms(), weights={"clicks": 1.0})
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(0)
    venv = VecWeightedReward(DummyVecEnv([NoTerms]), weights={"clicks": 1.0})
    venv.reset()
    with pytest.raises(ValueError, match=r"gives no info\[\"reward_terms\"\]"):
        venv.step(np.array([0]))


@pytest.mark.parametrize("name", ["DiversityBonus", "NoveltyBonus"])
def test_an_env_without_a_catalogue_is_told_so(name):
    with pytest.raises(ValueError, match=r"reads the catalogue in observation_space\.items"):
        gym_face(name, {}, gym.make("EcomToy-v0"))


def test_wrappers_stack_and_the_outer_one_sees_the_terms_of_the_inner_one():
    def private(env):
        return gym_face("PrivateFeedback", {"epsilon": 1.0, "term": "clicks"}, env)

    weights = {"weights": {"clicks": 3.0}}
    inner = roll(DummyVecEnv([lambda: WeightedReward(private(shop_env()), **weights)]), STEPS)
    venv = VecPrivateFeedback(batch(1), epsilon=1.0, term="clicks")
    outer = roll(VecWeightedReward(VecMonitor(venv), **weights), STEPS)
    np.testing.assert_allclose(inner[1], outer[1], rtol=1e-5)
    with pytest.raises(ValueError, match="no reward term 'movement'; known terms: clicks"):
        roll(VecWeightedReward(venv, weights={"movement": 1.0}), 1)


def test_the_private_face_shows_no_true_term_in_any_info():
    infos = roll(VecPrivateFeedback(batch(3), epsilon=1.0, term="clicks"), STEPS)[3]
    shown = [info["reward_terms"] for row in infos for info in row if "reward_terms" in info]
    assert shown
    assert all(set(terms) == {"clicks"} and terms["clicks"] not in (0.0, 1.0) for terms in shown)


def test_it_trains_between_vecnormalize_and_the_batch():
    venv = VecNormalize(VecWeightedReward(batch(8), weights={"clicks": 1.0}), norm_obs=False)
    PPO("MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=1, device="cpu").learn(256)


@pytest.mark.parametrize("n", [1, 3])
def test_the_vector_is_in_every_info_and_the_space_describes_it(n):
    venv = vec_face("VectorReward", {}, batch(n))
    _, rewards, _, infos = roll(venv, 10)
    assert venv.reward_space.shape == (2,)
    vectors = np.array([[info["vector_reward"] for info in row] for row in infos])
    np.testing.assert_allclose(vectors @ [1.0, 0.1], rewards, rtol=1e-5)  # the task's own weights
    np.testing.assert_array_equal(venv.last_step.step_info["vector_reward"], vectors[-1])


def test_mo_gymnasium_finds_the_reward_space_on_the_unwrapped_env():
    env = VectorRewardOnly(shop_env(), terms=["movement", "clicks"])
    assert env.unwrapped.reward_space.shape == (2,)
    env.reset(seed=0)
    reward = env.step(np.array([0, 1]))[1]
    assert env.unwrapped.reward_space.contains(reward)


def test_rl_zoo_finds_both_faces_by_their_paths():
    from rl_zoo3.utils import get_wrapper_class

    entry = {"sb3_ecom.wrappers.WeightedReward": {"weights": {"clicks": 1.0}}}
    assert isinstance(get_wrapper_class({"env_wrapper": [entry]})(shop_env()), WeightedReward)
    entry = {"sb3_ecom.sb3.vec_wrappers.rewards.VecConstrainedReward": {"term": "clicks", "limit": 1.0}}
    venv = get_wrapper_class({"vec_env_wrapper": [entry]}, "vec_env_wrapper")(batch(2))
    assert isinstance(venv, VecConstrainedReward)


def test_every_gym_face_has_a_vec_twin_and_tells_its_arguments():
    for name, _ in [*FACES.values(), *ALONE.values()]:
        single, twin = getattr(wrappers, name), getattr(reward_wrappers, f"Vec{name}")
        assert single.rule_type is twin.rule_type
        assert "Args:" in single.__doc__
        assert "Args:" in twin.__doc__
