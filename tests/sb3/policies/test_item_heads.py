"""Policies that score items by what is known of them: Discrete(N), candidates, DQN and QR-DQN."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import QRDQN, TRPO
from stable_baselines3 import A2C, DQN, PPO

import sb3_ecom
from sb3_ecom.core.item_spaces import Candidates, Items
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.extractors.candidates import PooledCandidates, WithoutCandidates, candidate_rows
from sb3_ecom.sb3.policies.item_heads import ValueHead
from sb3_ecom.sb3.policies.item_q import ItemDQNPolicy, ItemQRDQNPolicy
from sb3_ecom.sb3.policies.slate import CandidateSlatePolicy, LastClickSlatePolicy, SlatePolicy
from tests.sb3.counter import CANDIDATES, SPACE, Counter, F, M, share_of_best


def rate(_):
    return 1e-3


def policy(action_space, seed=0, scale=1.0, **kwargs):
    """Return a policy whose logits differ."""
    torch.manual_seed(seed)
    made = CandidateSlatePolicy(SPACE, action_space, rate, net_arch=[8], item_dim=4, **kwargs)
    with torch.no_grad():
        made.action_net.weights.weight.normal_(0, scale)
    return made


def pages(n=5):
    return torch.as_tensor(Counter(n).reset())


def test_rows_hold_what_the_observation_says_of_each_candidate():
    env = Counter(4)
    rows = candidate_rows(torch.as_tensor(env.reset()), CANDIDATES)
    np.testing.assert_array_equal(rows[..., :F], env.rows)
    np.testing.assert_array_equal(rows[..., F], env.sold)
    assert CANDIDATES.width == F + 1
    assert CANDIDATES.stop == 2 + M * (F + 1)


def test_cold_start_rows_are_its_items_features_and_records():
    env = make_vec_env("EcomRecCold-v0", n_envs=3, seed=0)
    observation = env.reset()
    for action in (0, 5, 5):
        observation = env.step(np.full(3, action))[0]
    rows = candidate_rows(torch.as_tensor(observation), env.observation_space.candidates)
    assert rows.shape == (3, 20, 7)
    shown = np.zeros((3, 20))
    shown[:, 0], shown[:, 5] = 1, 2
    np.testing.assert_allclose(rows[..., 5], np.log1p(shown) / 3, rtol=1e-5)
    np.testing.assert_array_equal(rows[..., :5].reshape(3, -1), observation[:, 1:101])


def test_one_item_s_log_probability_and_entropy_equal_the_softmax_over_all():
    made, seen = policy(spaces.Discrete(M)), pages()
    latent, _ = made._latents(seen)
    expected = torch.log_softmax(made.action_net(latent, seen), 1)
    assert expected.std(1).min() > 0.05
    for item in range(M):
        actions = torch.full((5,), item)
        _, log_prob, entropy = made.evaluate_actions(seen, actions)
        torch.testing.assert_close(log_prob, expected[:, item])
        torch.testing.assert_close(entropy, -(expected.exp() * expected).sum(1))
    best, _ = made.predict(seen.numpy(), deterministic=True)
    np.testing.assert_array_equal(best, expected.argmax(1))
    assert made.predict(seen[0].numpy())[0].shape == ()


def test_a_slate_s_log_probability_is_that_of_drawing_without_replacement():
    made, seen = policy(spaces.MultiDiscrete([M] * 2)), pages()
    latent, _ = made._latents(seen)
    chance = torch.softmax(made.action_net(latent, seen), 1)
    total = torch.zeros(5)
    for first in range(M):
        for second in set(range(M)) - {first}:
            _, log_prob, _ = made.evaluate_actions(seen, torch.tensor([[first, second]]).expand(5, 2))
            expected = chance[:, first] * chance[:, second] / (1 - chance[:, first])
            torch.testing.assert_close(log_prob.exp(), expected)
            total += log_prob.exp()
    torch.testing.assert_close(total, torch.ones(5))


@pytest.mark.parametrize("kind", ["logits", "values"])
def test_who_stands_where_does_not_matter(kind):
    env = Counter(8)
    observation = torch.as_tensor(env.reset())
    order = torch.randperm(M, generator=torch.Generator().manual_seed(1))
    moved = observation.clone()
    moved[:, 2 : 2 + M * F] = torch.as_tensor(env.rows)[:, order].flatten(1)
    moved[:, 2 + M * F : -1] = torch.as_tensor(env.sold)[:, order]
    if kind == "logits":
        made = policy(spaces.Discrete(M))
        ours, theirs = (made.get_distribution(seen).distribution.logits for seen in (observation, moved))
    else:
        made = ItemDQNPolicy(SPACE, spaces.Discrete(M), rate)
        ours, theirs = made.q_net(observation), made.q_net(moved)
    torch.testing.assert_close(ours[:, order], theirs)
    assert ours.std(1).min() > 1e-3


SETTINGS = {
    PPO: {"n_steps": 16, "batch_size": 128, "n_epochs": 4, "learning_rate": 5e-3},
    A2C: {"n_steps": 8, "learning_rate": 5e-3},
}


@pytest.mark.parametrize("space", [spaces.Discrete(M), spaces.MultiDiscrete([M] * 2)])
def test_trust_regions_take_both_actions(space):
    agent = TRPO(CandidateSlatePolicy, Counter(8, space), n_steps=16, batch_size=128, seed=0, device="cpu")
    before = agent.policy.action_net.weights.weight.clone()
    agent.learn(128)
    assert not torch.equal(before, agent.policy.action_net.weights.weight)


VALUES = {"learning_rate": 3e-3, "learning_starts": 200, "batch_size": 128, "buffer_size": 5000, "gamma": 0.0}


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("space", [spaces.Discrete(M), spaces.MultiDiscrete([M] * 2)])
def test_it_learns_what_candidates_are_worth(algorithm, space):
    agent = algorithm(
        CandidateSlatePolicy, Counter(32, space), seed=0, gamma=0.0, device="cpu", **SETTINGS[algorithm]
    )
    before = share_of_best(agent)
    agent.learn(16_000)
    assert share_of_best(agent) > max(0.7, before + 0.4)


@pytest.mark.parametrize(("algorithm", "made"), [(DQN, ItemDQNPolicy), (QRDQN, ItemQRDQNPolicy)])
def test_values_are_learned_from_descriptions_and_kept_in_files(algorithm, made, tmp_path):
    small = {} if algorithm is DQN else {"n_quantiles": 5}
    agent = algorithm(
        made, Counter(32), seed=0, device="cpu", policy_kwargs={"item_dim": 8, **small}, **VALUES
    )
    agent.learn(12_000)
    assert share_of_best(agent) > 0.8
    agent.save(tmp_path / "model")
    agent.policy.save(tmp_path / "policy")
    observation = Counter(40).reset()
    expected = agent.predict(observation, deterministic=True)[0]
    for again in (algorithm.load(tmp_path / "model", device="cpu"), made.load(tmp_path / "policy")):
        np.testing.assert_array_equal(again.predict(observation, deterministic=True)[0], expected)


def test_a_saved_policy_over_candidates_shows_the_same(tmp_path):
    made = policy(spaces.Discrete(M))
    made.save(tmp_path / "policy")
    again, seen = CandidateSlatePolicy.load(tmp_path / "policy"), pages(30).numpy()
    expected = made.predict(seen, deterministic=True)[0]
    assert len(set(expected.tolist())) > 2
    np.testing.assert_array_equal(again.predict(seen, deterministic=True)[0], expected)


N, FLAGS = 4, slice(1, 5)
SHELF = Items(np.eye(N, dtype=np.float32), np.zeros(N, np.float32), FLAGS)
SHELF_SPACE = LayoutBox(Layout(5, 2, 3), -5.0, 5.0, items=SHELF)


def test_closed_items_are_neither_drawn_nor_valued():
    made = LastClickSlatePolicy(SHELF_SPACE, spaces.Discrete(N), rate)
    values = ItemDQNPolicy(SHELF_SPACE, spaces.Discrete(N), rate)
    quantiles = ItemQRDQNPolicy(SHELF_SPACE, spaces.Discrete(N), rate, n_quantiles=3)
    seen = np.zeros((200, SHELF_SPACE.layout.size), np.float32)
    seen[:, [1, 2, 4]] = 1.0
    for one in (made, values, quantiles):
        assert (one.predict(seen, deterministic=False)[0] == 2).all()
    with torch.no_grad():
        assert values.q_net(torch.as_tensor(seen)).argmax(1).eq(2).all()


def test_values_equal_the_formula():
    torch.manual_seed(0)
    head = ValueHead(5, CANDIDATES, 3, outputs=2)
    latent, seen = torch.randn(4, 5), pages(4)
    vectors = head.vectors(seen)
    weights = head.weights(latent).reshape(4, 2, 6)
    found = head(latent, seen)
    for row in range(4):
        for item in range(M):
            expected = head.base(latent)[row] + weights[row] @ vectors[row, item]
            torch.testing.assert_close(found[row, :, item], expected)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CandidateSlatePolicy(SPACE, spaces.Discrete(M + 1), rate), "must hold 7 choices .*got 6"),
        (lambda: CandidateSlatePolicy(SPACE, spaces.Discrete(M), rate, item_dim=0), "item_dim .*got 0"),
        (lambda: CandidateSlatePolicy(SHELF_SPACE, spaces.Discrete(N), rate), "LayoutBox with candidates"),
        (lambda: ItemDQNPolicy(SPACE, spaces.Discrete(M), rate, item_dim=0), "item_dim .*got 0"),
        (lambda: ItemDQNPolicy(SPACE, spaces.Discrete(M + 1), rate), "must hold 7 choices .*got 6"),
        (lambda: ItemQRDQNPolicy(SPACE, spaces.MultiDiscrete([M]), rate), r"must be Discrete\(N\)"),
        (lambda: PooledCandidates(SPACE, size=0), "size must be >= 1 unit, got 0"),
    ],
)
def test_bad_spaces_and_sizes_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("env_id", "made"),
    [
        ("EcomRecSingle-v0", LastClickSlatePolicy),
        ("EcomRecCold-v0", CandidateSlatePolicy),
        ("EcomRecEvolution-v0", CandidateSlatePolicy),
        ("EcomRecBored-v0", SlatePolicy),
    ],
)
def test_the_family_s_ids_take_them(env_id, made):
    env = make_vec_env(env_id, n_envs=4, seed=0)
    PPO(made, env, n_steps=8, batch_size=16, n_epochs=1, seed=0).learn(32)
    if isinstance(env.action_space, spaces.Discrete):
        DQN(ItemDQNPolicy, env, learning_starts=8, batch_size=8, buffer_size=100, seed=0).learn(40)


@pytest.mark.slow
def test_knowing_the_items_is_worth_more_than_a_score_of_a_half_on_single_pages():
    env = make_vec_env("EcomRecSingle-v0", n_envs=512, seed=0)
    agent = PPO(
        LastClickSlatePolicy,
        env,
        n_steps=32,
        batch_size=4096,
        n_epochs=2,
        learning_rate=3e-3,
        policy_kwargs={"net_arch": [64, 64], "activation_fn": torch.nn.Tanh},
        seed=0,
        device="cpu",
    )
    agent.learn(600_000)
    # One output for each of the 217 items earned a score of .36 in 2e6 steps (results/family_scores.csv).
    assert sb3_ecom.evaluate("EcomRecSingle-v0", agent, episodes=1024).score > 0.5


def test_a_user_s_floats_are_what_is_left_of_the_observation():
    seen = pages(3)
    user = WithoutCandidates(SPACE)
    torch.testing.assert_close(user(seen), torch.cat([seen[:, :2], seen[:, -1:]], 1))
    assert PooledCandidates(SPACE, size=5).features_dim == 3 + 10
    assert sb3_ecom.spec("EcomRecCold-v0").make_task().observation_space.candidates == Candidates(1, 20, 5, 2)
