"""One rollout and one update of the device algorithms against SB3's own, on the same transitions.

SB3's class steps the very same simulation through the environment's NumPy interface; policies sample from the
same stream, so nothing has to be forced: everything must come out equal.
"""

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.sb3 import LstmPolicy
from sb3_ecom.sb3.device import DeviceA2C, DevicePPO, DeviceVecNormalize, make_device_env
from tests.sb3.attention import AttentionPolicy

IDS = ["EcomToy-v0", "EcomToyDiscrete-v0", "EcomToyMultiDiscrete-v0"]
STEPS, COPIES = 19, 6  # horizon 8: a copy is truncated up to three times in a rollout
TOLERANCE = 1e-5
COLUMNS = ("observations", "actions", "values", "log_probs", "rewards", "advantages", "returns")


class Keep(BaseCallback):
    """Copies the buffer as the update will find it: name -> (steps, n, ...)."""

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        buffer = self.model.rollout_buffer
        if hasattr(buffer, "columns"):
            self.columns = {name: buffer.columns[name].numpy().copy() for name in COLUMNS}
        else:
            self.columns = {name: getattr(buffer, name).copy() for name in COLUMNS}


def run(algorithm, env_id, policy, wrap, rollouts=1, **kwargs):
    """Learn for some rollouts; return the last rollout's columns, the logged losses and the weights."""
    env = make_device_env(env_id, COPIES, seed=5, device="cpu", patience=0.97)
    if wrap is not None:
        env = wrap(env)
    model = algorithm(policy, env, n_steps=STEPS, seed=7, device="cpu", gamma=0.95, **kwargs)
    keep = Keep()
    model.learn(rollouts * STEPS * COPIES, callback=keep, log_interval=None)
    logged = {name: value for name, value in model.logger.name_to_value.items() if name.startswith("train/")}
    return keep.columns, logged, model.policy.state_dict(), env


def assert_same(ours, theirs):
    for name in COLUMNS:
        np.testing.assert_allclose(
            ours[0][name], theirs[0][name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )
    assert set(ours[1]) == set(theirs[1])
    for name, value in theirs[1].items():
        assert ours[1][name] == pytest.approx(value, rel=TOLERANCE, abs=TOLERANCE), name
    for name, weight in theirs[2].items():
        torch.testing.assert_close(ours[2][name], weight, rtol=TOLERANCE, atol=TOLERANCE, msg=name)


@pytest.mark.parametrize("policy", ["MlpPolicy", LstmPolicy, AttentionPolicy])
@pytest.mark.parametrize("env_id", IDS)
def test_ppo_equals_sb3(env_id, policy):
    settings = {"batch_size": 38, "n_epochs": 3, "ent_coef": 0.01}
    assert_same(run(DevicePPO, env_id, policy, None, **settings), run(PPO, env_id, policy, None, **settings))


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("env_id", IDS[:2])
def test_ppo_equals_sb3_with_every_option_of_the_update(env_id):
    settings = {
        "batch_size": 50,  # a truncated last minibatch
        "clip_range_vf": 0.2,
        "target_kl": 0.001,
        "gae_lambda": 0.9,
        "normalize_advantage": False,
        "learning_rate": lambda progress: 1e-3 * progress,
        "clip_range": lambda progress: 0.3 * progress,
    }
    ours, theirs = (run(kind, env_id, "MlpPolicy", None, rollouts=3, **settings) for kind in (DevicePPO, PPO))
    assert_same(ours, theirs)


@pytest.mark.parametrize("env_id", IDS[:2])
def test_a2c_equals_sb3(env_id):
    assert_same(
        run(DeviceA2C, env_id, "MlpPolicy", None, rollouts=2), run(A2C, env_id, "MlpPolicy", None, rollouts=2)
    )


@pytest.mark.parametrize("env_id", IDS[:2])
def test_normalisation_equals_vec_normalize(env_id):
    settings = {"batch_size": 38, "n_epochs": 2, "rollouts": 2}
    ours = run(DevicePPO, env_id, "MlpPolicy", DeviceVecNormalize, **settings)
    theirs = run(PPO, env_id, "MlpPolicy", VecNormalize, **settings)
    assert_same(ours, theirs)
    for name in ("obs_rms", "ret_rms"):
        mine, reference = getattr(ours[3], name), getattr(theirs[3], name)
        np.testing.assert_allclose(mine.mean, reference.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mine.var, reference.var, rtol=1e-5, atol=1e-6)
        assert mine.count == pytest.approx(reference.count)


def test_truncations_were_among_what_was_compared():
    env = make_device_env("EcomToy-v0", COPIES, seed=5, device="cpu", patience=0.97)
    env.reset()
    cuts = np.zeros(COPIES)
    for _ in range(STEPS):
        _, _, _, infos = env.step(np.zeros((COPIES, 2), np.float32))
        cuts += [info["TimeLimit.truncated"] for info in infos]
    assert cuts.max() >= 2
