"""SlatePolicy with SB3's algorithms: masks, learning, saving, and refusals that name the reason."""

import numpy as np
import pytest
import torch
import yaml
from gymnasium import spaces
from rl_zoo3.utils import get_class_by_name
from sb3_contrib import TRPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.core.item_spaces import Items
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3.extractors.attention import AttentionExtractor, TransformerExtractor
from sb3_ecom.sb3.extractors.recurrent import GRUExtractor, LastClickExtractor, LSTMExtractor
from sb3_ecom.sb3.policies import slate
from sb3_ecom.sb3.policies.slate import SlatePolicy
from tests.sb3.plain_vec_env import PlainVecEnv

N, K, F = 12, 3, 4
FLAGS = slice(2, 2 + N)


def items(closed=FLAGS, size=N):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((size, F)).astype(np.float32)
    return Items(features, np.log(np.full(size, 1 / size, dtype=np.float32)), closed)


class Shelf(PlainVecEnv):
    """Two contexts; showing an item that matches the context pays 1; shown items close for the episode."""

    def __init__(self, num_envs=16):
        self.catalogue = items()
        space = LayoutBox(Layout(2 + N, 0, 0), -1.0, 1.0, items=self.catalogue)
        super().__init__(num_envs, space, spaces.MultiDiscrete([N] * K))
        self.rng = np.random.default_rng(0)
        self.wanted = self.catalogue.features[:, :2].argmax(1)
        self.closed_shown = 0

    def reset(self):
        self.kind = self.rng.integers(2, size=self.num_envs)
        self.flags = np.zeros((self.num_envs, N), np.float32)
        return self._observe()

    def _observe(self):
        return np.concatenate([np.eye(2, dtype=np.float32)[self.kind], self.flags], 1)

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        rows = np.arange(self.num_envs)[:, None]
        self.closed_shown += int(self.flags[rows, self.actions].sum())
        reward = (self.wanted[self.actions] == self.kind[:, None]).sum(1).astype(np.float32)
        self.flags[rows, self.actions] = 1.0
        done = self.flags.sum(1) >= N - K + 1
        infos = [{} for _ in range(self.num_envs)]
        if done.any():
            last = self._observe()
            for row in np.flatnonzero(done):
                infos[row] = {"terminal_observation": last[row], "TimeLimit.truncated": False}
            self.kind = np.where(done, self.rng.integers(2, size=self.num_envs), self.kind)
            self.flags[done] = 0.0
        return self._observe(), reward, done, infos


SETTINGS = {
    PPO: {"n_steps": 16, "batch_size": 64, "n_epochs": 4, "learning_rate": 3e-3},
    A2C: {"n_steps": 8, "learning_rate": 3e-3},
    TRPO: {"n_steps": 32, "batch_size": 128},
}


def model(algorithm, env, **policy_kwargs):
    return algorithm(
        SlatePolicy, env, seed=0, gamma=0.5, policy_kwargs=policy_kwargs, device="cpu", **SETTINGS[algorithm]
    )


def first_page_return(agent, env):
    slates, _ = agent.predict(env.reset(), deterministic=True)
    raw = env.venv if isinstance(env, VecNormalize) else env
    return float((raw.wanted[slates] == raw.kind[:, None]).sum(1).mean())


@pytest.mark.parametrize("algorithm", [PPO, A2C, TRPO])
def test_it_learns_to_match_the_context(algorithm):
    env = Shelf()
    agent = model(algorithm, env)
    before = first_page_return(agent, env)
    agent.learn(12_000)
    assert first_page_return(agent, env) > max(2.4, before + 0.5)
    assert env.closed_shown == 0


@pytest.mark.parametrize("algorithm", [PPO, A2C, TRPO])
def test_a_saved_model_shows_the_same_slates(algorithm, tmp_path):
    env = Shelf()
    agent = model(algorithm, env, item_dim=5, item_embedding=True).learn(600)
    agent.save(tmp_path / "model")
    again = algorithm.load(tmp_path / "model", device="cpu")
    fresh = model(algorithm, env, item_dim=5, item_embedding=True)
    fresh.set_parameters(agent.get_parameters())
    agent.policy.save(tmp_path / "policy")
    alone = SlatePolicy.load(tmp_path / "policy")
    observation = env.reset()
    expected = agent.predict(observation, deterministic=True)[0]
    for other in (again, fresh, alone):
        np.testing.assert_array_equal(other.predict(observation, deterministic=True)[0], expected)
    assert expected.shape == (env.num_envs, K)


def test_closed_items_stay_hidden_behind_vec_normalize():
    raw = Shelf()
    agent = model(PPO, VecNormalize(raw, norm_reward=False))
    agent.learn(4_000)
    assert raw.closed_shown == 0


def test_a_fresh_policy_ranks_by_popularity():
    catalogue = items()._replace(log_popularity=-np.arange(N, dtype=np.float32) * 0.5)
    space = LayoutBox(Layout(2 + N, 0, 0), -1.0, 1.0, items=catalogue)
    policy = SlatePolicy(space, spaces.MultiDiscrete([N] * K), lambda _: 1e-3)
    observation = np.zeros(2 + N, np.float32)
    assert policy.predict(observation, deterministic=True)[0].tolist() == [0, 1, 2]
    observation[FLAGS][1] = 1.0
    assert policy.predict(observation, deterministic=True)[0].tolist() == [0, 2, 3]


def test_forward_and_evaluate_actions_agree():
    env = Shelf(64)
    for shared in (True, False):
        policy = model(PPO, env, share_features_extractor=shared).policy
        observation = torch.as_tensor(env.reset())
        with torch.no_grad():
            slates, values, log_prob = policy(observation)
            again, log_again, entropy = policy.evaluate_actions(observation, slates)
            log_once_more = policy.get_distribution(observation).log_prob(slates)
        torch.testing.assert_close(values, again)
        torch.testing.assert_close(log_prob, log_again)
        torch.testing.assert_close(log_prob, log_once_more)
        assert entropy.shape == (64,)


def test_rl_zoo_finds_the_policy_by_its_dotted_path():
    entry = yaml.safe_load("policy: sb3_ecom.sb3.policies.slate.SlatePolicy")
    assert get_class_by_name(entry["policy"]) is SlatePolicy


@pytest.mark.parametrize(
    ("policy_class", "extractor"),
    [
        (slate.LastClickSlatePolicy, LastClickExtractor),
        (slate.LstmSlatePolicy, LSTMExtractor),
        (slate.GruSlatePolicy, GRUExtractor),
        (slate.AttentionSlatePolicy, AttentionExtractor),
        (slate.TransformerSlatePolicy, TransformerExtractor),
    ],
)
def test_slates_can_be_chosen_from_a_history(policy_class, extractor):
    space = LayoutBox(Layout(2 + N, 4, 3), items=items())
    policy = policy_class(space, spaces.MultiDiscrete([N] * K), lambda _: 1e-3)
    assert isinstance(policy.features_extractor, extractor)
    slates, _ = policy.predict(np.zeros((5, space.layout.size), np.float32))
    assert slates.shape == (5, K)


@pytest.mark.parametrize("sharpness", [0.0, -1.0, np.nan])
def test_sharpness_must_be_positive(sharpness):
    with pytest.raises(ValueError, match=r"sharpness must be (a finite number )?> 0, got"):
        SlatePolicy(BOX, spaces.MultiDiscrete([N] * K), lambda _: 1e-3, sharpness=sharpness)


BOX = LayoutBox(Layout(2 + N, 0, 0), items=items())


@pytest.mark.parametrize(
    ("observation_space", "action_space", "message"),
    [
        (spaces.Box(-1, 1, (2 + N,)), spaces.MultiDiscrete([N] * K), "must be a LayoutBox with items"),
        (BOX, spaces.Box(-1, 1, (N,)), r"must be MultiDiscrete\(\[N\] \* K\) or Discrete\(N\), got Box"),
        (BOX, spaces.Discrete(N + 1), "items.features must hold 13 items .*got 12"),
        (BOX, spaces.MultiDiscrete([N, N + 1]), r"must be MultiDiscrete\(\[N\] \* K\)"),
        (BOX, spaces.MultiDiscrete([2, 2, 2]), "slate size must be at most the 2 items, got 3"),
        (BOX, spaces.MultiDiscrete([N + 1] * K), "items.features must hold 13 items .*got 12"),
        (
            LayoutBox(Layout(2 + N, 0, 0), items=items(slice(0, 3))),
            spaces.MultiDiscrete([N] * K),
            "items.closed must hold 12 items .*got 3",
        ),
    ],
)
def test_spaces_without_a_catalogue_are_refused(observation_space, action_space, message):
    with pytest.raises(ValueError, match=message):
        SlatePolicy(observation_space, action_space, lambda _: 1e-3)


def test_an_item_vector_needs_a_float():
    with pytest.raises(ValueError, match="item_dim must be >= 1 float, got 0"):
        SlatePolicy(BOX, spaces.MultiDiscrete([N] * K), lambda _: 1e-3, item_dim=0)
