import numpy as np
import pytest
import torch
from gymnasium.wrappers import TimeLimit
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecNormalize
from torch.distributions import Categorical

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.sb3 import LstmPolicy, make_vec_env
from sb3_ecom.sb3.callbacks.metrics import BatchedTimeoutBootstrap, EcomMetricsCallback
from sb3_ecom.sb3.device import DeviceA2C, DevicePPO, DeviceVecEnv, DeviceVecNormalize, make_device_env
from sb3_ecom.sb3.device.distributions import RaceCategorical
from sb3_ecom.sb3.device.errors import explain_out_of_memory
from sb3_ecom.sb3.device.torch_backend import TorchBackend
from tests.toy import ToyTask

CPU = torch.device("cpu")
SMALL = {"n_steps": 8, "batch_size": 64, "n_epochs": 1, "device": "cpu"}


def device_ppo(env_id="EcomToy-v0", n=16, policy="MlpPolicy", **kwargs):
    return DevicePPO(
        policy, make_device_env(env_id, n, seed=1, device="cpu"), **{**SMALL, "seed": 2, **kwargs}
    )


def observations(env_id, n=20):
    loop = StepLoop(sb3_ecom.spec(env_id).make_task(), n)
    return loop.reset(0)


@pytest.mark.parametrize("policy", ["MlpPolicy", LstmPolicy])
@pytest.mark.parametrize(("ours", "theirs"), [(DevicePPO, PPO), (DeviceA2C, A2C)])
def test_a_saved_model_loads_as_sb3_s_and_back_and_goes_on(ours, theirs, policy, tmp_path):
    env = make_device_env("EcomToyDiscrete-v0", 8, device="cpu")
    model = ours(policy, env, n_steps=8, device="cpu").learn(128)
    model.save(tmp_path / "ours")
    observation = observations("EcomToyDiscrete-v0")
    expected, _ = model.predict(observation, deterministic=True)
    plain = theirs.load(tmp_path / "ours", env=make_vec_env("EcomToyDiscrete-v0", 4), device="cpu")
    assert type(plain.rollout_buffer).__name__ == "RolloutBuffer"
    np.testing.assert_array_equal(plain.predict(observation, deterministic=True)[0], expected)
    plain.learn(64, reset_num_timesteps=False).save(tmp_path / "theirs")
    again = ours.load(tmp_path / "theirs", env=make_device_env("EcomToyDiscrete-v0", 6, device="cpu"))
    assert type(again.rollout_buffer).__name__ == "DeviceRolloutBuffer"
    again.learn(96, reset_num_timesteps=False)
    assert again.num_timesteps > plain.num_timesteps
    alone = ours.load(tmp_path / "theirs")
    assert alone.predict(observation)[0].shape == expected.shape


def test_callbacks_see_every_step_and_can_stop(tmp_path):
    class Stop(BaseCallback):
        def _on_step(self):
            assert self.locals["rewards"].shape == (16,)
            assert self.locals["dones"].dtype == torch.bool
            return self.n_calls < 11

    model = device_ppo()
    checkpoint = CheckpointCallback(save_freq=4, save_path=str(tmp_path))
    model.learn(16 * 100, callback=[checkpoint, Stop()])
    assert model.num_timesteps == 16 * 11
    assert len(list(tmp_path.glob("*.zip"))) == 2


def test_logger_gets_the_episodes_of_the_rollout(tmp_path):
    model = device_ppo(n=32, stats_window_size=50)
    model.set_logger(configure(str(tmp_path), ["csv"]))
    returns = []

    class Sum(BaseCallback):
        def _on_step(self):
            infos = self.locals["infos"]
            returns.extend(info["episode"]["r"] for info in infos if "episode" in info)
            return True

    model.learn(32 * 8, callback=Sum())
    header, *rows = (tmp_path / "progress.csv").read_text().splitlines()
    logged = dict(zip(header.split(","), rows[-1].split(","), strict=True))
    assert len(returns) >= 50
    assert float(logged["rollout/ep_rew_mean"]) == pytest.approx(np.mean(returns), rel=1e-4)
    assert "time/fps" in logged


def test_eval_callback_copies_the_statistics_to_its_own_environment(tmp_path):
    env = DeviceVecNormalize(make_device_env("EcomToy-v0", 16, seed=0, device="cpu"))
    model = DevicePPO("MlpPolicy", env, **SMALL)
    assert model.get_vec_normalize_env() is env
    other = VecNormalize(make_vec_env("EcomToy-v0", 2), training=False, norm_reward=False)
    callback = EvalCallback(other, eval_freq=8, n_eval_episodes=4, best_model_save_path=str(tmp_path))
    model.learn(16 * 16, callback=callback)
    assert (tmp_path / "best_model.zip").is_file()
    np.testing.assert_allclose(other.obs_rms.mean, env.obs_rms.mean)
    assert other.obs_rms.count > 200


def test_statistics_are_saved_as_sb3_s_and_read_back(tmp_path):
    env = DeviceVecNormalize(make_device_env("EcomToy-v0", 16, seed=0, device="cpu"), gamma=0.9)
    DevicePPO("MlpPolicy", env, **SMALL).learn(16 * 16)
    env.save(str(tmp_path / "vecnormalize.pkl"))
    plain = VecNormalize.load(str(tmp_path / "vecnormalize.pkl"), make_vec_env("EcomToy-v0", 2))
    assert type(plain) is VecNormalize
    again = DeviceVecNormalize.load(
        str(tmp_path / "vecnormalize.pkl"), make_device_env("EcomToy-v0", 4, device="cpu")
    )
    for other in (plain, again):
        np.testing.assert_allclose(other.obs_rms.mean, env.obs_rms.mean)
        np.testing.assert_allclose(other.ret_rms.var, env.ret_rms.var)
        assert other.gamma == 0.9
    plain.training = False
    plain.reset()
    assert np.isfinite(plain.step(np.zeros((2, 2), np.float32))[0]).all()
    raw = observations("EcomToy-v0")
    np.testing.assert_allclose(plain.normalize_obs(raw), env.normalize_obs(raw), atol=1e-5)


@pytest.mark.parametrize("env_id", ["EcomToy-v0", "EcomToyDiscrete-v0", "EcomToyMultiDiscrete-v0"])
def test_both_faces_of_the_environment_tell_the_same(env_id):
    tensors, arrays = (make_device_env(env_id, 8, seed=3, device="cpu") for _ in range(2))
    np.testing.assert_array_equal(tensors.reset_tensors(), arrays.reset())
    arrays.action_space.seed(0)
    for _ in range(30):
        action = np.stack([arrays.action_space.sample() for _ in range(8)])
        step = tensors.step_tensors(torch.as_tensor(action))
        observation, reward, done, infos = arrays.step(action)
        np.testing.assert_array_equal(step.observation, observation)
        np.testing.assert_array_equal(step.reward, reward)
        np.testing.assert_array_equal(step.terminated | step.truncated, done)
        for row in np.flatnonzero(done):
            np.testing.assert_array_equal(step.final_observation[row], infos[row]["terminal_observation"])
            assert infos[row]["episode"]["r"] == pytest.approx(float(step.totals["reward"][row]), abs=1e-5)
    assert arrays.env_is_wrapped(TimeLimit) == [False] * 8


def test_sb3_tools_work_on_the_numpy_interface():
    model = device_ppo()
    mean, _ = evaluate_policy(model, make_device_env("EcomToy-v0", 4, device="cpu"), n_eval_episodes=8)
    assert np.isfinite(mean)
    PPO("MlpPolicy", make_device_env("EcomToy-v0", 8, device="cpu"), **SMALL).learn(64)


def test_timeouts_are_not_valued_twice():
    rewards = []
    for callback in (None, BatchedTimeoutBootstrap()):
        model = device_ppo(n=8, n_steps=16).learn(128, callback=callback)
        rewards.append(model.rollout_buffer.columns["rewards"])
    torch.testing.assert_close(*rewards, rtol=0, atol=0)


def test_metrics_callback_reads_the_sums_of_the_rollout():
    callback = EcomMetricsCallback(figure=False)
    model = device_ppo("EcomToyMultiDiscrete-v0", n=64)
    model.learn(64 * 16, callback=callback)
    stats, metrics = model.env.stats, callback.history[-1].metrics
    assert metrics["session_length"] == pytest.approx(stats.totals["length"] / stats.episodes, rel=0.2)
    assert 0 < metrics["ctr"] < 1
    assert metrics["coverage"] == 1.0
    assert set(callback.history[-1].terms) == {"clicks", "movement"}
    assert set(stats.totals) == {"clicks", "pages", "reward", "length"}
    assert stats.steps == 64 * 8
    assert stats.totals["pages"] == pytest.approx(stats.totals["length"])


def test_seeds_restart_the_stream_and_resets_do_not_move_the_others():
    def run(seed, push):
        loop = StepLoop(ToyTask(patience=0.7), 8, TorchBackend(CPU))
        seen = [loop.reset(seed)]
        for _ in range(40):
            action = torch.zeros(8, 2)
            action[4:] += push
            seen.append(loop.step(action).observation)
        return torch.stack(seen)

    torch.testing.assert_close(run(3, 0.0), run(3, 0.0), rtol=0, atol=0)
    assert not torch.equal(run(3, 0.0), run(4, 0.0))
    torch.testing.assert_close(run(3, 0.0)[:, :4], run(3, 0.5)[:, :4], rtol=0, atol=0)


def test_draws_follow_their_laws():
    backend = TorchBackend(CPU)
    backend.seed(0)
    n = 40_000
    for draw, mean, var in (
        (backend.uniform((n,)), 0.5, 1 / 12),
        (backend.normal((n,)), 0.0, 1.0),
        (backend.gamma(torch.tensor(2.5), (n,)), 2.5, 2.5),
        (backend.gamma(0.7, (n,)), 0.7, 0.7),
        (backend.poisson(np.float32(3.0), (n,)).float(), 3.0, 3.0),
    ):
        assert float(draw.mean()) == pytest.approx(mean, abs=4 * np.sqrt(var / n))
        assert float(draw.var()) == pytest.approx(var, rel=0.1)
    assert backend.poisson(np.full((n, 1), 3.0), (n, 2)).dtype == torch.int64
    with pytest.raises(ValueError, match="seed must be one whole number >= 0"):
        backend.seed(-1)


def test_the_race_draws_what_multinomial_draws():
    logits = torch.randn(50, 7)
    draws = []
    for kind in (Categorical, RaceCategorical):
        torch.manual_seed(0)
        draws.append(kind(logits=logits).sample())
    torch.testing.assert_close(*draws, rtol=0, atol=0)


class Untensored(ToyTask):
    def observe(self, state):
        return np.concatenate([np.asarray(state.hidden)[:, None]] * 14, 1)


def test_errors_are_one_sentence_with_what_to_do(monkeypatch):
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match=r"finds no CUDA here: .* pass device='cpu'"):
            make_device_env("EcomToy-v0", 4, device="cuda")
    with pytest.raises(ValueError, match="device must be 'cpu', 'cuda'"):
        make_device_env("EcomToy-v0", 4, device="gpu")
    with pytest.raises(
        ValueError, match=r"DevicePPO needs .*make_device_env.* got .*TimeLimit: gym wrappers"
    ):
        DevicePPO("MlpPolicy", TimeLimit(sb3_ecom.core.registry.make_env("EcomToy-v0"), 3))
    with pytest.raises(ValueError, match="got EcomVecEnv"):
        DevicePPO("MlpPolicy", make_vec_env("EcomToy-v0", 2))
    with pytest.raises(ValueError, match="cannot step through VecNormalize"):
        DevicePPO("MlpPolicy", VecNormalize(make_device_env("EcomToy-v0", 2, device="cpu")))
    with pytest.raises(ValueError, match="needs an environment of make_device_env, got EcomVecEnv"):
        DeviceVecNormalize(make_vec_env("EcomToy-v0", 2))
    with pytest.raises(ValueError, match="device must be the environment's, cpu, got meta"):
        DevicePPO("MlpPolicy", make_device_env("EcomToy-v0", 2, device="cpu"), device="meta")
    with pytest.raises(ValueError, match=r"num_envs must be a whole number .*, got 0"):
        DeviceVecEnv(ToyTask(), 0, CPU)
    monkeypatch.setattr(
        "sb3_ecom.sb3.device.vec_env.spec", lambda _: type("S", (), {"make_task": Untensored})
    )
    with pytest.raises(ValueError, match=r"has no torch backend.*observe gives ndarray.*make_vec_env"):
        make_device_env("EcomToy-v0", 4, device="cpu")


def test_out_of_memory_names_the_sizes_to_halve():
    with (
        pytest.raises(torch.OutOfMemoryError, match=r"does not hold the rollout with num_envs=9: halve"),
        explain_out_of_memory("the rollout", "num_envs=9"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def test_numbers_that_are_not_finite_are_told_of():
    model = device_ppo("EcomToyDiscrete-v0")
    with torch.no_grad():
        model.policy.action_net.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="not finite: lower learning_rate"):
        model.learn(256)


@pytest.mark.slow
def test_a_compiled_policy_learns_and_saves(tmp_path):
    model = device_ppo("EcomToyDiscrete-v0", compile_policy=True).learn(256)
    model.save(tmp_path / "model")
    plain = PPO.load(tmp_path / "model")
    observation = observations("EcomToyDiscrete-v0")
    ours, theirs = (each.predict(observation, deterministic=True)[0] for each in (model, plain))
    np.testing.assert_array_equal(ours, theirs)
