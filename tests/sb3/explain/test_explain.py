import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import QRDQN, TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.env_util import make_vec_env as sb3_make_vec_env
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import sb3_ecom
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import AttentionPolicy, GRUExtractor, GruPolicy, TransformerPolicy, make_vec_env
from sb3_ecom.sb3.explain import (
    ExplainCallback,
    attention_weights,
    attribute_actions,
    attribution_figure,
    collect_states,
    feature_names,
    fit_tree,
)
from tests.sb3.policies.test_sequence import Parts
from tests.toy import LAYOUT

pytest.importorskip("captum")
pytest.importorskip("sklearn")
ON_POLICY = {"n_steps": 8, "device": "cpu", "seed": 0}
OFF_POLICY = {"learning_starts": 16, "batch_size": 16, "buffer_size": 100, "device": "cpu", "seed": 0}
PLANTED = Layout(context=2, steps=5, features=4)
STEP, FEATURE = 3, 2  # the last but one step's feature 2 is all that counts


class Planted(gym.Env):
    """One decision per episode: 1 for the sign of one number of the history, -1 for the other."""

    def __init__(self):
        self.observation_space = LayoutBox(PLANTED)
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        seen = self.np_random.normal(size=PLANTED.size).astype(np.float32)
        self.history = PLANTED.split(seen)[1]
        valid = np.arange(5) >= self.np_random.integers(0, 4)
        self.history[:, 0] = valid
        self.history[~valid] = 0.0
        return seen, {}

    def step(self, action):
        reward = 1.0 if action == (self.history[STEP, FEATURE] > 0) else -1.0
        return self.reset()[0], reward, True, False, {}


SLOW = [pytest.param(policy, marks=pytest.mark.slow) for policy in (GruPolicy, "MlpPolicy")]


@pytest.fixture(scope="module", params=[AttentionPolicy, *SLOW])
def planted(request):
    venv = sb3_make_vec_env(Planted, n_envs=32, seed=0)
    settings = {"n_steps": 32, "batch_size": 256, "n_epochs": 8, "learning_rate": 1e-2, "gamma": 0.0}
    steps = 8_000 if request.param is AttentionPolicy else 16_000  # a GRU knows half of it after 8,000
    return PPO(request.param, venv, seed=0, device="cpu", **settings).learn(steps)


def test_the_planted_cause_ranks_first(planted):
    venv = sb3_make_vec_env(Planted, n_envs=16, seed=1)
    seen = collect_states(planted, venv, 512)
    context, history, _ = attribute_actions(planted, seen.observations).importance()
    assert np.unravel_index(history.argmax(), history.shape) == (STEP, FEATURE)
    others = np.append(np.delete(history.ravel(), STEP * 4 + FEATURE), context)
    assert history.max() > 3 * others.max()
    if isinstance(planted.policy, AttentionPolicy):
        weights = attention_weights(planted, seen.observations).mean(0)
        assert weights.shape == (4, 5)
        assert weights[:, STEP].max() > 0.5  # a head looks at the step


def test_the_tree_finds_the_planted_rule_and_acts_by_it(planted):
    venv = sb3_make_vec_env(Planted, n_envs=16, seed=2)
    tree = fit_tree(planted, venv, states=4000, depth=2)
    assert tree.rules().splitlines()[0].startswith(f"|--- step {STEP - 5} feature {FEATURE} <= ")
    assert tree.fidelity > 0.9
    mean, stderr = tree.own_return(venv, 400)
    assert mean > 0.85
    assert 0 < stderr < 0.05


def test_fidelity_is_measured_on_copies_the_tree_never_saw():
    """A policy of pure noise can be learned by heart, not imitated."""

    class Coin:
        observation_space, action_space = LayoutBox(PLANTED), spaces.Discrete(2)

        class policy:  # noqa: N801
            features_extractor = None

        def predict(self, observation, **_):
            return (np.abs(observation * 1e4).sum(1).astype(np.int64) % 2), None

    tree = fit_tree(Coin(), sb3_make_vec_env(Planted, n_envs=16, seed=2), states=2000, depth=30, rounds=1)
    assert abs(tree.fidelity - 0.5) < 4 * 0.5 / np.sqrt(500)
    assert tree.states == 1500


MODELS = [
    (PPO, AttentionPolicy, "EcomToy-v0", {**ON_POLICY, "batch_size": 32}),
    (PPO, TransformerPolicy, "EcomToyDiscrete-v0", {**ON_POLICY, "batch_size": 32}),
    (PPO, GruPolicy, "EcomToyMultiDiscrete-v0", {**ON_POLICY, "batch_size": 32}),
    (MaskablePPO, "MlpPolicy", "EcomToyDiscrete-v0", {**ON_POLICY, "batch_size": 32}),
    (DQN, "MlpPolicy", "EcomToyDiscrete-v0", OFF_POLICY),
    (QRDQN, "MlpPolicy", "EcomToyDiscrete-v0", OFF_POLICY),
    (SAC, "MlpPolicy", "EcomToy-v0", OFF_POLICY),
    (TD3, "MlpPolicy", "EcomToy-v0", OFF_POLICY),
    (TQC, "MlpPolicy", "EcomToy-v0", OFF_POLICY),
]


def seen_by(model, env_id, states=64):
    return collect_states(model, make_vec_env(env_id, n_envs=8, seed=1), states).observations


@pytest.mark.parametrize(("algorithm", "policy", "env_id", "kwargs"), MODELS)
def test_attributions_add_up_to_the_change_of_the_score(algorithm, policy, env_id, kwargs):
    model = algorithm(policy, make_vec_env(env_id, n_envs=4, seed=0), **kwargs)
    observations = seen_by(model, env_id)
    found = attribute_actions(model, observations, steps=128)
    assert found.context.shape == (64, LAYOUT.context)
    assert found.history.shape == (64, LAYOUT.steps, LAYOUT.features)
    total = found.context.sum(1) + found.history.sum((1, 2))
    np.testing.assert_allclose(total - found.change, found.error, atol=1e-5)
    assert np.abs(found.change).max() > 1e-4
    assert np.abs(found.error).max() < 0.02 * np.abs(found.change).max()
    valid = LAYOUT.split(observations)[1][..., 0] > 0.5
    assert (found.history[~valid] == 0).all()  # padding has no part in it
    assert (found.history[..., 0] == 0).all()  # nor has the mask


def test_attributions_of_a_linear_policy_are_its_weights_times_the_change():
    kwargs = {"net_arch": []}
    model = PPO("MlpPolicy", make_vec_env("EcomToy-v0"), policy_kwargs=kwargs, **ON_POLICY, batch_size=8)
    with torch.no_grad():
        model.policy.action_net.weight.copy_(torch.arange(28.0).reshape(2, 14) / 10)
    observations = seen_by(model, "EcomToy-v0")
    found = attribute_actions(model, observations, component=1)
    weights = np.arange(14, 28) / 10
    change = observations[:, :2] - observations[:, :2].mean(0)
    np.testing.assert_allclose(found.context, change * weights[:2], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", ["EcomToy-v0", "EcomToyDiscrete-v0", "EcomToyMultiDiscrete-v0"])
def test_a_tree_imitates_every_kind_of_action_and_can_be_evaluated(kind):
    model = PPO(GruPolicy, make_vec_env(kind, n_envs=4, seed=0), **ON_POLICY, batch_size=32)
    tree = fit_tree(model, make_vec_env(kind, n_envs=8, seed=1), states=3000, depth=8)
    assert 0.6 < tree.fidelity <= 1.0
    assert sb3_ecom.evaluate(kind, tree, episodes=16).mean > 0
    assert set(tree.names) == set(feature_names(LAYOUT))


def test_the_callback_shows_it_all(tmp_path):
    model = PPO(
        AttentionPolicy, make_vec_env("EcomToy-v0", n_envs=4), tensorboard_log=str(tmp_path), **ON_POLICY
    )
    venv = make_vec_env("EcomToy-v0", n_envs=4, seed=1)
    callback = ExplainCallback(venv, tmp_path / "png", states=200, actions=16, depth=2, episodes=8)
    model.learn(32, callback=callback)
    log = EventAccumulator(str(tmp_path / "PPO_1"), {"images": 0, "scalars": 0}).Reload()
    pictures = {"attribution", "attention", "tree"}
    assert {f"ecom/explain/{name}" for name in pictures} <= set(log.Tags()["images"])
    assert {path.stem for path in (tmp_path / "png").iterdir()} == pictures
    assert -10 < log.Scalars("ecom/explain/tree_fidelity")[0].value <= 1
    assert log.Scalars("ecom/explain/tree_return")[0].value > 0


def test_the_map_shows_steps_across_and_features_down():
    model = PPO(AttentionPolicy, make_vec_env("EcomToy-v0", n_envs=4), **ON_POLICY)
    figure = attribution_figure(attribute_actions(model, seen_by(model, "EcomToy-v0")))
    history, context = figure.axes[0], figure.axes[1]
    assert history.images[0].get_array().shape == (LAYOUT.features, LAYOUT.steps)
    assert len(context.patches) == LAYOUT.context


def test_what_can_not_be_explained_says_why():
    venv = make_vec_env("EcomToy-v0", n_envs=2)
    model = PPO("MlpPolicy", venv, **ON_POLICY)
    some = seen_by(model, "EcomToy-v0", 8)
    with pytest.raises(
        ValueError, match="AttentionExtractor or a TransformerExtractor, got FlattenExtractor"
    ):
        attention_weights(model, some)
    with pytest.raises(ValueError, match=r"component must be in \[0, 2\), got 2"):
        attribute_actions(model, some, component=2)
    with pytest.raises(ValueError, match=r"observations must be \(n >= 1, 14\), got \(8, 3\)"):
        attribute_actions(model, some[:, :3])
    with pytest.raises(ValueError, match="steps must be >= 1, got 0"):
        attribute_actions(model, some, steps=0)
    with pytest.raises(ValueError, match="depth must be >= 1, got 0"):
        fit_tree(model, venv, depth=0)
    with pytest.raises(ValueError, match=r">= 2 copies, .* got 1"):
        fit_tree(model, make_vec_env("EcomToy-v0", n_envs=1))
    with pytest.raises(ValueError, match=r"held_out must be in \(0, 1\), got 1.0"):
        fit_tree(model, venv, held_out=1.0)
    with pytest.raises(ValueError, match="episodes must be >= 2, got 1"):
        ExplainCallback(venv, episodes=1)
    recurrent = RecurrentPPO("MlpLstmPolicy", venv, **ON_POLICY)
    with pytest.raises(ValueError, match="recurrent state"):
        attribute_actions(recurrent, some)
    parts = sb3_make_vec_env("EcomToy-v0", n_envs=2, wrapper_class=Parts)
    kwargs = {"features_extractor_class": GRUExtractor}
    dicts = PPO("MultiInputPolicy", parts, policy_kwargs=kwargs, **ON_POLICY)
    with pytest.raises(ValueError, match="observations in a Box, got Dict"):
        attribute_actions(dicts, parts.reset())
