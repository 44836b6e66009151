"""The rollout asks the device for nothing: whatever would make the host wait is made to raise."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch.utils._python_dispatch import TorchDispatchMode

import sb3_ecom
from sb3_ecom.sb3 import LstmPolicy
from sb3_ecom.sb3.device import DeviceA2C, DevicePPO, DeviceVecNormalize, make_device_env
from sb3_ecom.sb3.device.rollout import DeviceRollouts
from sb3_ecom.sb3.device.torch_backend import TorchBackend
from sb3_ecom.sb3.policies.slate import SlatePolicy
from tests.sb3.attention import AttentionPolicy
from tests.sb3.device.test_device_placement import ASKS

IDS = ["EcomToy-v0", "EcomToyDiscrete-v0", "EcomToyMultiDiscrete-v0"]
CONVERSIONS = (
    *("item", "cpu", "numpy", "tolist", "nonzero", "__bool__", "__int__", "__float__", "__index__"),
    *("__array__", "__contains__", "equal", "allclose"),
)
# What waits below Python: results whose size or value the host needs, and kernels that check their input.
OPERATIONS = (
    *("_local_scalar_dense", "item", "is_nonzero", "nonzero", "equal", "masked_select", "multinomial"),
    *("_unique2", "unique_dim", "bincount", "repeat_interleave", "normal", "lift_fresh"),
)
FROM_HOST = ("tensor", "as_tensor", "asarray", "from_numpy")  # on CUDA a copy that waits


class Raise(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.name().removeprefix("aten::").split(".")[0]
        if name in OPERATIONS:
            raise AssertionError(f"aten::{name} makes the host wait")
        if name in ("index", "index_put", "index_put_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        ):
            raise AssertionError(f"aten::{name} with a mask makes the host wait")
        return function(*args, **(kwargs or {}))


@contextmanager
def no_answers():
    """Patch every conversion to raise."""

    def refuse(name):
        def raiser(*args, **kwargs):
            raise AssertionError(f"{name} makes the host wait")

        return raiser

    with ExitStack() as stack:
        for owner, names in ((torch.Tensor, CONVERSIONS), (torch, FROM_HOST)):
            for name in names:
                stack.enter_context(patch.object(owner, name, refuse(name)))
        stack.enter_context(Raise())
        yield


def guarded(monkeypatch, guard):
    """Run every step of every rollout, and its end, under `guard`, with the draws of a GPU."""
    monkeypatch.setattr(TorchBackend, "host_draws", False)
    for name in ("_step", "_finish"):
        inner = getattr(DeviceRollouts, name)

        def outer(*args, inner=inner):
            with guard():
                return inner(*args)

        monkeypatch.setattr(DeviceRollouts, name, outer)


@pytest.mark.parametrize("policy", ["MlpPolicy", LstmPolicy, AttentionPolicy])
@pytest.mark.parametrize("env_id", IDS)
def test_rollout_converts_no_tensor(env_id, policy, monkeypatch):
    guarded(monkeypatch, no_answers)
    env = DeviceVecNormalize(make_device_env(env_id, 16, seed=0, device="cpu"))
    model = DevicePPO(policy, env, n_steps=20, batch_size=160, n_epochs=1, device="cpu")
    model.learn(2 * 16 * 20)
    assert model.ep_info_buffer


@pytest.mark.parametrize("env_id", sorted(set(sb3_ecom.specs()) - set(IDS) - ASKS))
def test_rollout_of_every_id_converts_no_tensor(env_id, monkeypatch):
    guarded(monkeypatch, no_answers)
    env = make_device_env(env_id, 4, seed=0, device="cpu")
    policy = SlatePolicy if env_id == "EcomRecSlate-v0" else "MlpPolicy"
    DevicePPO(policy, env, n_steps=8, batch_size=32, n_epochs=1).learn(32)


def test_a2c_converts_no_tensor(monkeypatch):
    guarded(monkeypatch, no_answers)
    DeviceA2C("MlpPolicy", make_device_env("EcomToy-v0", 8, device="cpu"), device="cpu").learn(200)


@pytest.mark.parametrize(
    "ask",
    [
        lambda tensor: tensor.sum().item(),
        lambda tensor: tensor.cpu(),
        lambda tensor: bool(tensor.any()),
        lambda tensor: np.asarray(tensor),
        lambda tensor: tensor[tensor > 0],
        lambda tensor: torch.multinomial(tensor, 1),
        lambda tensor: tensor + torch.as_tensor(np.ones(4)),
    ],
)
def test_guard_catches_what_waits(ask):
    with no_answers(), pytest.raises(AssertionError, match="makes the host wait"):
        ask(torch.ones(4))


def test_infos_are_fetched_only_for_a_callback_that_reads_them(monkeypatch):
    class Reader(BaseCallback):
        def _on_step(self):
            infos = self.locals["infos"]
            ended = self.locals["dones"].nonzero().flatten().tolist()
            assert len(infos) == 8
            for row in range(8):
                assert ("terminal_observation" in infos[row]) == (row in ended)
                if row in ended:
                    assert infos[row]["episode"]["l"] >= 1
            self.seen = getattr(self, "seen", 0) + len(ended)
            return True

    reader = Reader()
    DevicePPO("MlpPolicy", make_device_env("EcomToy-v0", 8, device="cpu"), n_steps=8, batch_size=64).learn(
        64, callback=reader
    )
    assert reader.seen > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: none here, so not run")
@pytest.mark.parametrize("policy", ["MlpPolicy", LstmPolicy, AttentionPolicy])
@pytest.mark.parametrize("env_id", IDS)
def test_rollout_never_synchronises_with_the_gpu(env_id, policy, monkeypatch):
    @contextmanager
    def strict():
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")

    env = DeviceVecNormalize(make_device_env(env_id, 64, seed=0, device="cuda"))
    model = DevicePPO(policy, env, n_steps=20, batch_size=640, n_epochs=1)
    model.learn(64 * 20)  # constants reach the GPU in the first rollout
    guarded(monkeypatch, strict)
    model.learn(2 * 64 * 20, reset_num_timesteps=False)
