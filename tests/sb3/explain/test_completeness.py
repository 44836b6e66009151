"""Attributions add up to what they explain, or are refused."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.sb3 import (
    AttentionPolicy,
    AttentionSlatePolicy,
    LastItemEmbeddingPolicy,
    LastItemEmbeddingSlatePolicy,
    LSTMExtractor,
    LstmPolicy,
    make_vec_env,
)
from sb3_ecom.sb3.explain import attribute_actions, collect_states
from sb3_ecom.sb3.extractors.item_embedding import ItemEmbedding
from sb3_ecom.sb3.extractors.recurrent import LastClickExtractor

pytest.importorskip("captum")
POLICIES = [
    ("EcomRec-v0", LastItemEmbeddingPolicy),
    ("EcomRec-v0", LstmPolicy),
    ("EcomRec-v0", AttentionPolicy),
    ("EcomRecSlate-v0", LastItemEmbeddingSlatePolicy),
    ("EcomRecSlate-v0", AttentionSlatePolicy),
    ("EcomRecSingle-v0", LastItemEmbeddingSlatePolicy),
]


def strong(env_id, policy, **kwargs):
    """Return an untrained model whose weights are large enough to tell states apart."""
    model = PPO(
        policy, make_vec_env(env_id, 2, seed=0), n_steps=8, batch_size=16, seed=0, device="cpu", **kwargs
    )
    with torch.no_grad():
        for name, weight in model.policy.named_parameters():
            if "action_net" in name or "table" in name:
                weight.mul_(30.0)
    return model


def reached(model, env_id, count=192):
    seen = collect_states(model, make_vec_env(env_id, 32, seed=1), 20 * 32).observations
    return seen[np.linspace(32, len(seen) - 1, count).astype(int)]


@pytest.mark.parametrize(("env_id", "policy"), POLICIES)
def test_attributions_add_up_on_the_zoo_s_policies(env_id, policy):
    model = strong(env_id, policy)
    observations = reached(model, env_id)
    found = attribute_actions(model, observations, component=1)
    total = found.context.sum(1) + found.history.sum((1, 2)) + found.items.sum(1)
    np.testing.assert_allclose(total - found.change, found.error, atol=1e-3)
    assert found.incompleteness() <= 0.05
    assert np.abs(found.change).mean() > 0.05
    looks_up = policy in (LastItemEmbeddingPolicy, LastItemEmbeddingSlatePolicy)
    assert (np.abs(found.items).sum() > 0) == looks_up
    assert (found.items[:, :-1] == 0).all()
    closed = model.observation_space.items.closed
    if closed is not None:
        assert (found.context[:, closed] == 0).all()  # a mask is no reason


def test_without_the_item_s_vector_nothing_adds_up(monkeypatch):
    model = strong("EcomRec-v0", LastItemEmbeddingPolicy)
    observations = reached(model, "EcomRec-v0")
    with_vectors = attribute_actions(model, observations)
    share = np.abs(with_vectors.items).sum(1) / np.abs(with_vectors.change)
    assert np.median(share) > 0.3  # the item matters
    monkeypatch.setattr(
        "sb3_ecom.sb3.explain.attributions.ItemVectors", lambda model: type("None_", (), {"source": None})()
    )
    with pytest.raises(ValueError, match=r"do not add up: they miss \d+\.\d% .*as a look-up"):
        attribute_actions(model, observations)


def test_ids_in_the_history_are_attributed_at_their_steps():
    kwargs = {
        "features_extractor_class": LSTMExtractor,
        "features_extractor_kwargs": {"item_ids": ItemEmbedding(items=5, columns=(1,), scale=4.0)},
    }
    model = strong("EcomToy-v0", "MlpPolicy", policy_kwargs=kwargs)
    observations = reached(model, "EcomToy-v0", 64)
    found = attribute_actions(model, observations)
    assert found.incompleteness() <= 0.05
    assert (found.history[..., 1] == 0).all()  # the number of an item says nothing, its vector does
    valid = model.policy.features_extractor.layout.split(observations)[1][..., 0] > 0.5
    assert (found.items[~valid] == 0).all()
    assert np.abs(found.items[valid]).max() > 0


def test_a_policy_with_a_threshold_is_refused():
    class Threshold(LastClickExtractor):
        def forward(self, observations):
            return super().forward(observations) * 0.01 + (observations[:, :1] > 0.05).float()

    kwargs = {"features_extractor_class": Threshold}
    model = strong("EcomRec-v0", "MlpPolicy", policy_kwargs=kwargs)
    observations = reached(model, "EcomRec-v0")
    with pytest.raises(ValueError, match=r"at most 5% is allowed.*as a look-up or a threshold does"):
        attribute_actions(model, observations)
    assert attribute_actions(model, observations, tolerance=9.0).incompleteness() > 0.05


def test_observation_statistics_are_part_of_the_policy():
    venv = VecNormalize(make_vec_env("EcomToy-v0", 4, seed=0), norm_reward=False)
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=64, seed=0, device="cpu").learn(256)
    venv.training = False
    raw = np.concatenate([venv.unwrapped.reset(), venv.unwrapped.reset()])
    raw[:, 0] = np.linspace(-1, 1, len(raw))
    found = attribute_actions(model, raw, normalize=venv, steps=128)
    score = model.policy.get_distribution(torch.as_tensor(venv.normalize_obs(raw))).distribution.mean[:, 0]
    others = attribute_actions(model, raw, normalize=venv, background=raw[:1], steps=128)
    assert isinstance(model.action_space, spaces.Box)
    np.testing.assert_allclose(np.diff(others.change), np.diff(score.detach().numpy()), atol=1e-5)
    assert found.incompleteness() <= 0.05
