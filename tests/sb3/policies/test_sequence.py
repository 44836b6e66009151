import io
import sys
from unittest.mock import patch

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml
from gymnasium import spaces
from sb3_contrib import QRDQN, TQC, TRPO, CrossQ, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env as sb3_make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack

from sb3_ecom.sb3 import (
    AttentionExtractor,
    GRUExtractor,
    LSTMExtractor,
    SequenceExtractor,
    TransformerExtractor,
    make_vec_env,
)
from sb3_ecom.sb3.policies import sequence as ours
from tests.toy import LAYOUT

EXTRACTORS = {
    "Lstm": LSTMExtractor,
    "Gru": GRUExtractor,
    "Attention": AttentionExtractor,
    "Transformer": TransformerExtractor,
}
ON_POLICY = {"n_steps": 8, "device": "cpu"}
BATCHED = {**ON_POLICY, "batch_size": 32}
SMALL = {**ON_POLICY, "batch_size": 16, "n_epochs": 1}
OFF_POLICY = {"learning_starts": 32, "batch_size": 16, "buffer_size": 500, "device": "cpu"}
ALGORITHMS = [
    (PPO, "Policy", "EcomToy-v0", {**BATCHED, "n_epochs": 1}),
    (A2C, "Policy", "EcomToyMultiDiscrete-v0", ON_POLICY),
    (TRPO, "Policy", "EcomToyDiscrete-v0", BATCHED),
    (DQN, "DQNPolicy", "EcomToyDiscrete-v0", OFF_POLICY),
    (QRDQN, "QRDQNPolicy", "EcomToyDiscrete-v0", OFF_POLICY),
    (SAC, "SACPolicy", "EcomToy-v0", OFF_POLICY),
    (TD3, "TD3Policy", "EcomToy-v0", OFF_POLICY),
    (DDPG, "TD3Policy", "EcomToy-v0", OFF_POLICY),
    (TQC, "TQCPolicy", "EcomToy-v0", OFF_POLICY),
    (CrossQ, "CrossQPolicy", "EcomToy-v0", OFF_POLICY),
]


def sequence_extractors(model):
    return [module for module in model.policy.modules() if isinstance(module, SequenceExtractor)]


def check_copies_act_alike(model, venv, twin):
    observation = venv.reset()
    np.testing.assert_array_equal(
        model.predict(observation, deterministic=True)[0], twin.predict(observation, deterministic=True)[0]
    )


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize(("algorithm", "suffix", "env_id", "kwargs"), ALGORITHMS)
def test_policies_train_save_and_load(algorithm, suffix, env_id, kwargs, name):
    venv = make_vec_env(env_id, n_envs=4, seed=0)
    policy = getattr(ours, f"{name}{suffix}")
    model = algorithm(policy, venv, seed=0, **kwargs)
    before = [parameter.detach().clone() for parameter in sequence_extractors(model)[0].parameters()]
    model.learn(48)
    after = sequence_extractors(model)[0].parameters()
    assert any((old != new).any() for old, new in zip(before, after, strict=True))  # the extractor learns
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    twin = algorithm.load(file, env=venv, device="cpu")
    check_copies_act_alike(model, venv, twin)
    assert all(type(found) is EXTRACTORS[name] for found in sequence_extractors(twin))
    other = algorithm(policy, venv, seed=1, **kwargs)
    other.set_parameters(model.get_parameters())
    check_copies_act_alike(model, venv, other)


def test_the_memoryless_policy_trains():
    venv = make_vec_env("EcomToy-v0", n_envs=4, seed=0)
    model = PPO(ours.LastClickPolicy, venv, seed=0, **BATCHED, n_epochs=1).learn(32)
    assert type(model.policy.features_extractor) is ours.LastClickExtractor


def test_sampled_policy_kwargs_do_not_drop_the_extractor():
    sampled = {"net_arch": {"pi": [64], "vf": [64]}, "activation_fn": torch.nn.Tanh, "ortho_init": False}
    model = PPO(ours.LstmPolicy, make_vec_env("EcomToy-v0"), policy_kwargs=sampled, device="cpu")
    assert isinstance(model.policy.features_extractor, LSTMExtractor)
    bigger = {"features_extractor_kwargs": {"hidden_size": 8}}
    model = PPO(ours.LstmPolicy, make_vec_env("EcomToy-v0"), policy_kwargs=bigger, device="cpu")
    assert model.policy.features_extractor.lstm.hidden_size == 8


class Look(BaseCallback):
    """Notes each trial's extractors; rl-zoo makes it from the yml."""

    seen: list = []  # noqa: RUF012

    def _on_training_start(self):
        self.seen.append((type(self.model), {type(found) for found in sequence_extractors(self.model)}))

    def _on_step(self):
        return True


@pytest.mark.filterwarnings("ignore")  # optuna's experimental samplers
@pytest.mark.parametrize(
    ("algo", "policy", "extractor"),
    [("a2c", "AttentionPolicy", AttentionExtractor), ("dqn", "GruDQNPolicy", GRUExtractor)],
)
def test_two_trials_of_optimize_keep_the_extractor(algo, policy, extractor, tmp_path, monkeypatch):
    from rl_zoo3 import train

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Look, "seen", [])
    settings = {
        "n_timesteps": 40,
        "policy": f"sb3_ecom.sb3.{policy}",
        "callback": f"{__name__}.Look",
    }
    settings |= {"policy_kwargs": "dict(net_arch=[8])"}  # which a trial replaces
    (tmp_path / "zoo.yml").write_text(yaml.safe_dump({"EcomToyDiscrete-v0": settings}))
    command = (
        f"train --algo {algo} --env EcomToyDiscrete-v0 --gym-packages tests.toy_ids -conf zoo.yml --seed 0"
    )
    trials = (
        "-optimize --n-trials 2 --n-startup-trials 2 --n-evaluations 1 --eval-episodes 1 --no-optim-plots"
    )
    with patch.object(sys, "argv", f"{command} {trials} --device cpu -f logs".split()):
        train.train()
    assert len(Look.seen) == 2
    assert all(found == {extractor} for _, found in Look.seen)


class Parts(gym.ObservationWrapper):
    """The toy's flat observation as a Dict."""

    def __init__(self, env):
        super().__init__(env)
        history = spaces.Box(-2, 2, (LAYOUT.steps, LAYOUT.features))
        self.observation_space = spaces.Dict({"context": spaces.Box(-2, 2, (2,)), "history": history})

    def observation(self, observation):
        context, history = LAYOUT.split(observation)
        return {"context": context, "history": history}


@pytest.mark.parametrize(
    ("algorithm", "policy", "kwargs"),
    [
        (PPO, ours.AttentionPolicy, {**BATCHED, "n_epochs": 1}),
        (SAC, ours.GruSACPolicy, OFF_POLICY),
        (RecurrentPPO, "MultiInputLstmPolicy", {**BATCHED, "n_epochs": 1}),
    ],
)
def test_dict_observations_train(algorithm, policy, kwargs):
    named = (
        {"policy_kwargs": {"features_extractor_class": AttentionExtractor}} if isinstance(policy, str) else {}
    )
    venv = sb3_make_vec_env("EcomToy-v0", n_envs=4, wrapper_class=Parts, seed=0)
    algorithm(policy, venv, **kwargs, **named).learn(48)


@pytest.mark.parametrize("extractor", EXTRACTORS.values())
def test_recurrent_ppo_takes_every_extractor(extractor):
    venv = make_vec_env("EcomToy-v0", n_envs=4, seed=0)
    kwargs = {"features_extractor_class": extractor}
    model = RecurrentPPO("MlpLstmPolicy", venv, policy_kwargs=kwargs, **BATCHED, n_epochs=1).learn(32)
    assert type(sequence_extractors(model)[0]) is extractor


class Masked(gym.Wrapper):
    def action_masks(self):
        return np.array([1, 0, 1, 1, 1])


@pytest.mark.parametrize("name", EXTRACTORS)
def test_maskable_ppo_takes_every_extractor(name):
    env = Masked(gym.make("EcomToyDiscrete-v0"))
    model = MaskablePPO(getattr(ours, f"{name}MaskablePolicy"), env, n_steps=32, device="cpu").learn(32)
    assert 1 not in model.rollout_buffer.actions
    assert type(model.policy.features_extractor) is EXTRACTORS[name]


def frames(env_id, steps, features, n_envs=2, **kwargs):
    """Return the newest `steps` observations of another package's environment, and the extractor's kwargs."""
    venv = VecFrameStack(sb3_make_vec_env(env_id, n_envs=n_envs, seed=0, **kwargs), steps)
    return venv, {"sequence": (steps, features), "masked": False}


@pytest.mark.parametrize("extractor", EXTRACTORS.values())
def test_frame_stacked_cart_pole_needs_no_mask(extractor):
    venv, layout = frames("CartPole-v1", 4, 4)
    kwargs = {"features_extractor_class": extractor, "features_extractor_kwargs": layout}
    PPO("MlpPolicy", venv, policy_kwargs=kwargs, **SMALL).learn(16)
    window = sequence_extractors(PPO("MlpPolicy", venv, policy_kwargs=kwargs, **SMALL))[0].window
    found = window(torch.arange(16.0)[None])
    assert found.history[0, -1].tolist() == [12, 13, 14, 15]  # VecFrameStack's newest frame is the last
    assert found.valid.all()


def test_another_package_s_environment_trains():
    """Atari Pong from ale-py: a window over the console's 128 bytes of memory."""
    ale_py = pytest.importorskip("ale_py")
    gym.register_envs(ale_py)
    venv, layout = frames(
        "ALE/Pong-v5",
        4,
        128,
        env_kwargs={"obs_type": "ram"},
        wrapper_class=lambda env: gym.wrappers.RescaleObservation(
            gym.wrappers.DtypeObservation(env, np.float32), np.float32(0), np.float32(1)
        ),
    )
    kwargs = {"features_extractor_class": AttentionExtractor, "features_extractor_kwargs": layout}
    model = PPO("MlpPolicy", venv, policy_kwargs=kwargs, **SMALL).learn(16)
    assert model.policy.features_extractor.layout.features == 128


class HiddenVelocities(gym.ObservationWrapper):
    """CartPole that shows where cart and pole are, not how they move."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = spaces.Box(-5, 5, (2,))

    def observation(self, observation):
        return observation[[0, 2]]


@pytest.mark.slow
@pytest.mark.parametrize("extractor", [LSTMExtractor, ours.LastClickExtractor])
def test_a_window_balances_a_pole_whose_speed_is_hidden(extractor):
    from stable_baselines3.common.evaluation import evaluate_policy

    venv, layout = frames("CartPole-v1", 8, 2, n_envs=16, wrapper_class=HiddenVelocities)
    kwargs = {"features_extractor_class": extractor, "features_extractor_kwargs": layout}
    settings = {"n_steps": 64, "batch_size": 256, "n_epochs": 8, "learning_rate": 2e-3, "gamma": 0.98}
    model = PPO("MlpPolicy", venv, policy_kwargs=kwargs, seed=0, device="cpu", **settings).learn(100_000)
    mean, _ = evaluate_policy(model, venv, 32)
    assert (mean > 300) == (extractor is not ours.LastClickExtractor), mean
