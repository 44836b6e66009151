"""SB3's own callbacks work on the device algorithms as on SB3's."""

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    CheckpointCallback,
    ConvertCallback,
    EvalCallback,
    EveryNTimesteps,
    LogEveryNTimesteps,
    StopTrainingOnMaxEpisodes,
    StopTrainingOnNoModelImprovement,
    StopTrainingOnRewardThreshold,
)

from sb3_ecom.sb3 import make_vec_env
from sb3_ecom.sb3.device import DevicePPO, make_device_env
from sb3_ecom.sb3.device.infos import HostReadable

SMALL = {"n_steps": 8, "batch_size": 32, "n_epochs": 1, "seed": 0}


def device_ppo():
    return DevicePPO("MlpPolicy", make_device_env("EcomToy-v0", 16, seed=0, device="cpu"), **SMALL)


def test_training_stops_after_so_many_episodes_on_the_device_too():
    steps = []
    for model in (device_ppo(), PPO("MlpPolicy", make_vec_env("EcomToy-v0", 16, seed=0), **SMALL)):
        model.learn(16 * 400, callback=StopTrainingOnMaxEpisodes(2))
        steps.append(model.num_timesteps)
    assert all(step < 16 * 400 for step in steps)


def test_every_stock_callback_runs_on_the_device(tmp_path):
    evaluation = EvalCallback(
        make_vec_env("EcomToy-v0", 2),
        callback_on_new_best=StopTrainingOnRewardThreshold(1e9),
        callback_after_eval=StopTrainingOnNoModelImprovement(100),
        eval_freq=8,
        n_eval_episodes=2,
    )
    stock = [
        *(evaluation, CheckpointCallback(8, str(tmp_path)), StopTrainingOnMaxEpisodes(10**6)),
        *(EveryNTimesteps(16, ConvertCallback(lambda *_: True)), LogEveryNTimesteps(64)),
    ]
    model = device_ppo().learn(256, callback=CallbackList(stock))
    assert model.num_timesteps == 256


def test_numpy_reads_what_a_callback_is_given():
    class Read(BaseCallback):
        def _on_step(self):
            dones = self.locals["dones"]
            assert np.sum(dones).item() == int(dones.sum()) == np.flatnonzero(dones).size
            assert dones.sum(dim=0).shape == dones.sum(0).shape == ()
            assert torch.equal(dones | dones, dones)
            return True

    device_ppo().learn(256, callback=Read())


CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
def test_numpy_sums_a_tensor_of_any_device(device):
    values = torch.tensor([True, False, True], device=device).as_subclass(HostReadable)
    assert np.sum(values).item() == 2
    np.testing.assert_array_equal(np.asarray(values, dtype=int), [1, 0, 1])
