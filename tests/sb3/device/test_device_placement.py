"""A rollout on torch's "meta" device, for machines without a GPU.

Meta tensors have a shape and a place but no numbers. Whatever mixes in a tensor of the host, or asks for a
number (in Python or inside a kernel's wrapper), fails on them as it would stall or fail on CUDA.
"""

import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

import sb3_ecom
from sb3_ecom.sb3 import LstmPolicy
from sb3_ecom.sb3.device import DevicePPO, DeviceVecNormalize, make_device_env
from sb3_ecom.sb3.device import vec_env as device_vec_env
from sb3_ecom.sb3.device.torch_backend import TorchBackend
from sb3_ecom.sb3.policies.slate import SlatePolicy
from tests.sb3.attention import AttentionPolicy
from tests.toy import register_toys

register_toys()
TOYS = ["EcomToy-v0", "EcomToyDiscrete-v0", "EcomToyMultiDiscrete-v0"]
# A tick has as many auctions (a day as many searches) as were drawn: one number is read in every step.
ASKS = {"EcomAds-v0", "EcomAdsAuto-v0", "EcomAdsKeyword-v0"}
IDS = [
    pytest.param(name, marks=pytest.mark.xfail(strict=True) if name in ASKS else ())
    for name in sorted(sb3_ecom.specs())
    if name not in TOYS
]
META = torch.device("meta")


class MetaBackend(TorchBackend):
    """torch has no generator for "meta", and nothing to seed."""

    def __init__(self, device):
        self.device = device
        self.generator = None

    def seed(self, seed):
        return 0

    def spawn(self, key):
        return self


@pytest.fixture(autouse=True)
def _meta(monkeypatch):
    monkeypatch.setattr(device_vec_env, "TorchBackend", MetaBackend)


class Silent(BaseCallback):
    def _on_step(self):
        return True


def roll(env, policy, steps=3):
    model = DevicePPO(policy, env, n_steps=steps, batch_size=24)
    assert model.device == META
    model._last_obs = env.reset_tensors()
    model._last_episode_starts = torch.ones(8, dtype=torch.bool, device=META)
    callback = Silent()
    callback.init_callback(model)
    model.rollout_buffer.reset()
    with torch.no_grad():
        timeouts = model._timeouts(env, steps)
        for step in range(steps):
            assert model._step(env, callback, step, timeouts)
        model._finish(timeouts)
    assert {column.device for column in model.rollout_buffer.columns.values()} == {META}


@pytest.mark.parametrize("env_id", IDS)
def test_rollout_of_every_id_stays_where_it_is(env_id):
    roll(make_device_env(env_id, 8, device="meta"), "MlpPolicy")


@pytest.mark.skipif("EcomRecSlate-v0" not in sb3_ecom.specs(), reason="the id is not registered")
@pytest.mark.parametrize("policy", [SlatePolicy, LstmPolicy])
def test_slates_stay_where_they_are(policy):
    roll(make_device_env("EcomRecSlate-v0", 8, device="meta"), policy)


@pytest.mark.parametrize("policy", ["MlpPolicy", LstmPolicy, AttentionPolicy])
@pytest.mark.parametrize("env_id", TOYS)
def test_normalised_rollout_of_sequence_policies_stays_where_it_is(env_id, policy):
    roll(DeviceVecNormalize(make_device_env(env_id, 8, device="meta")), policy)


def test_a_tensor_of_the_host_among_them_is_an_error():
    env = make_device_env("EcomToy-v0", 8, device="meta")
    env.reset_tensors()
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        env.step_tensors(torch.zeros(8, 2))
