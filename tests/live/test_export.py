"""Exported folders act as the models they were made from."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO

from sb3_ecom.core.registry import spec
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.sb3.export import export, reached_observations


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomRecSlate-v0"])
def test_an_exported_policy_acts_as_its_model(env_id, tmp_path):
    model = PPO("MlpPolicy", gym.make(env_id), n_steps=64, seed=0)
    model.save(tmp_path / "ppo.zip")
    export(tmp_path / "ppo.zip", tmp_path / "out", env_id, checked=1000)

    def predict(observation):
        return model.predict(observation, deterministic=True)[0]

    seen = reached_observations(spec(env_id).make_task(), predict, 512, seed=1)
    np.testing.assert_allclose(DeployedPolicy(tmp_path / "out").act(seen), predict(seen), atol=1e-5)
