import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

import sb3_ecom
from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.device.train import train

YML = """
EcomToy-v0:
  n_envs: 32
  n_timesteps: 4096
  policy: sb3_ecom.sb3.LstmPolicy
  normalize: "dict(norm_obs=False, norm_reward=True)"
  n_steps: 16
  batch_size: 256
  n_epochs: 2
  learning_rate: lin_1e-3
  gamma: 0.9
  callback: [sb3_ecom.sb3.EcomMetricsCallback, sb3_ecom.sb3.BatchedTimeoutBootstrap]
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "ppo.yml"
    path.write_text(YML)
    return path


def arguments(config, *more):
    folder = config.parent
    return [
        *("--algo", "ppo_device", "--env", "EcomToy-v0", "-conf", str(config), "--device", "cpu"),
        *("-f", str(folder / "logs"), "-tb", str(folder / "runs"), "--seed", "1", *more),
    ]


def test_train_writes_rl_zoo_s_folders_and_a_model_that_sb3_loads(config):
    train(arguments(config, "--eval-episodes", "2"))
    folder = config.parent / "logs" / "ppo_device" / "EcomToy-v0_1"
    assert (folder / "EcomToy-v0.zip").is_file()
    assert (folder / "best_model.zip").is_file()
    assert len(np.load(folder / "evaluations.npz")["timesteps"]) >= 4
    saved = yaml.unsafe_load((folder / "EcomToy-v0" / "config.yml").read_text())
    assert dict(saved)["n_envs"] == 32
    assert yaml.unsafe_load((folder / "EcomToy-v0" / "args.yml").read_text())["algo"] == "ppo_device"
    assert list((config.parent / "runs").rglob("events.out.tfevents*"))
    env = VecNormalize.load(str(folder / "EcomToy-v0" / "vecnormalize.pkl"), make_vec_env("EcomToy-v0", 2))
    model = PPO.load(folder / "EcomToy-v0.zip", env=env)
    assert model.predict(env.reset())[0].shape == (2, 2)
    result = sb3_ecom.evaluate("EcomToy-v0", model, episodes=16)
    assert np.isfinite(result.mean)
    train(arguments(config, "-i", str(folder / "EcomToy-v0.zip"), "-n", "1024", "--eval-freq", "-1"))
    assert (folder.parent / "EcomToy-v0_2" / "EcomToy-v0.zip").is_file()


def test_wrappers_and_foreign_ids_are_refused_in_one_sentence(config):
    config.write_text(YML + "  frame_stack: 4\n")
    with pytest.raises(ValueError, match=r"frame_stack .*never leaves the device.*--algo ppo"):
        train(arguments(config))
    with pytest.raises(ValueError, match=r"--env must be one of .*EcomToy-v0.* got 'CartPole-v1'"):
        train(["--algo", "ppo_device", "--env", "CartPole-v1"])
