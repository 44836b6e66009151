import re

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import ARS, TRPO, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecNormalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2

from sb3_ecom.core.registry import specs
from sb3_ecom.core.task import Metric
from sb3_ecom.sb3 import BatchedTimeoutBootstrap, EcomMetricsCallback, TerminalHorizon, make_vec_env
from sb3_ecom.sb3.callbacks.dashboard import dashboard
from sb3_ecom.sb3.callbacks.episode_window import EpisodeWindow

METRICS = {"ctr", "clicks_per_session", "session_length", "return", "score"}


def dummy(env_id, n):
    return DummyVecEnv([lambda: Monitor(gym.make(env_id)) for _ in range(n)])


def ppo(venv, **kwargs):
    given = {"n_steps": 16, "batch_size": 64, "n_epochs": 1, "device": "cpu", "seed": 0}
    return PPO("MlpPolicy", venv, **{**given, **kwargs})


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found


def test_window_forgets_old_episodes_and_takes_ratios_of_sums():
    window = EpisodeWindow(3)
    for clicks, pages in ((100, 1), (1, 10), (0, 5), (2, 1)):
        window.add({"reward": np.array([clicks]), "length": np.array([pages]), "clicks": np.array([clicks])})
    found = window.metrics([Metric("ctr", "clicks", "length")])
    assert found == {"ctr": 3 / 16, "return": 1.0, "session_length": 16 / 3}
    window.add({name: np.arange(5.0) for name in ("reward", "length", "clicks")})
    assert window.metrics([])["return"] == 3.0


def test_window_counts_items_of_its_own_episodes_only():
    window = EpisodeWindow(2)
    one = {name: np.ones(1) for name in ("reward", "length")}
    window.show(np.array([[0, 1], [-1, 1]]))
    assert window.items_shown == 2
    window.add(one)
    window.show(np.array([4]))
    assert window.items_shown == 3
    window.add(one)
    assert window.items_shown == 1


@pytest.mark.parametrize("wrap", [lambda venv: venv, lambda venv: VecNormalize(venv)])
@pytest.mark.parametrize("build", ["native", "dummy", "subproc"])
def test_metrics_are_raw_on_every_vec_env(build, wrap):
    env_id = "EcomToyMultiDiscrete-v0"
    if build == "native":
        venv = make_vec_env(env_id, n_envs=4, seed=0)
    elif build == "dummy":
        venv = dummy(env_id, 4)
    else:
        venv = SubprocVecEnv([make_toy] * 2, start_method="fork")
    callback = EcomMetricsCallback(figure=False)
    model = ppo(wrap(venv), n_steps=64).learn(256, callback=callback)
    metrics = callback.history[-1].metrics
    assert set(metrics) == METRICS | {"coverage"}
    assert metrics["coverage"] == 1.0
    episodes = model.ep_info_buffer
    seen = callback.episodes.finished
    if seen <= 100:
        assert metrics["return"] == pytest.approx(np.mean([episode["r"] for episode in episodes]), abs=1e-4)
        assert metrics["session_length"] == pytest.approx(np.mean([episode["l"] for episode in episodes]))
    assert metrics["ctr"] == pytest.approx(metrics["clicks_per_session"] / metrics["session_length"])
    assert set(callback.history[-1].terms) == {"clicks", "movement"}
    venv.close()


def make_toy():
    return Monitor(gym.make("EcomToyMultiDiscrete-v0"))


def test_native_and_dummy_report_the_same_numbers():
    moments = []
    for venv in (make_vec_env("EcomToy-v0", seed=0), dummy("EcomToy-v0", 1)):
        callback = EcomMetricsCallback()
        ppo(venv, n_steps=64).learn(192, callback=callback)
        moments.append(callback.history[-1])
    assert moments[0].metrics == pytest.approx(moments[1].metrics)
    assert moments[0].terms == pytest.approx(moments[1].terms)


def test_tensorboard_shows_scalars_hparams_and_one_figure(tmp_path):
    model = ppo(make_vec_env("EcomToy-v0", n_envs=8, seed=0))
    model.set_logger(configure(str(tmp_path), ["tensorboard", "stdout"]))
    model.learn(1024, callback=EcomMetricsCallback())
    found = events(tmp_path)
    tags = found.Tags()
    assert {f"ecom/{name}" for name in METRICS} <= set(tags["scalars"])
    assert "ecom/reward_terms/clicks" in tags["scalars"]
    assert tags["images"] == ["ecom/history"]
    assert "_hparams_/experiment" in found.summary_metadata


@pytest.mark.parametrize(
    ("algorithm", "policy", "kwargs"),
    [
        (A2C, "MlpPolicy", {}),
        (TRPO, "MlpPolicy", {"n_steps": 32}),
        (SAC, "MlpPolicy", {"learning_starts": 50, "buffer_size": 1000}),
        (ARS, "LinearPolicy", {"n_delta": 2}),
    ],
)
def test_metrics_come_from_every_algorithm(algorithm, policy, kwargs):
    callback = EcomMetricsCallback()
    venv = make_vec_env("EcomToy-v0", n_envs=4, seed=0)
    callbacks = [callback, BatchedTimeoutBootstrap()]
    algorithm(policy, venv, device="cpu", seed=0, **kwargs).learn(300, callback=callbacks)
    assert set(callback.history[-1].metrics) == METRICS | {"items_shown"}


def test_foreign_environments_are_refused():
    with pytest.raises(ValueError, match="EcomMetricsCallback needs an environment of sb3_ecom"):
        ppo(DummyVecEnv([lambda: gym.make("CartPole-v1")])).learn(16, callback=EcomMetricsCallback())
    with pytest.raises(ValueError, match="window must be >= 1 episode, got 0"):
        EcomMetricsCallback(window=0)


class KeepRewards(BaseCallback):
    """Keeps what the rollout buffer holds."""

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        self.rewards = self.model.rollout_buffer.rewards.copy()


def collect(algorithm, venv, callbacks, **kwargs):
    keep = KeepRewards()
    model = algorithm("MlpPolicy", venv, n_steps=32, device="cpu", seed=0, **kwargs)
    model.learn(1, callback=[*callbacks, keep])
    return keep.rewards


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("algorithm", [PPO, A2C, TRPO, MaskablePPO])
def test_batched_bootstrap_gives_sb3_s_own_rewards(algorithm, normalise):
    env_id = "EcomToyDiscrete-v0"
    venvs = [make_vec_env(env_id, n_envs=16, seed=0, patience=0.95) for _ in range(3)]
    if algorithm is MaskablePPO:
        for venv in venvs:
            venv.task.action_masks = lambda state: np.ones((16, 5), dtype=bool)
    if normalise:
        venvs = [VecNormalize(venv) for venv in venvs]
    own = collect(algorithm, venvs[0], [])
    batched = collect(algorithm, venvs[1], [BatchedTimeoutBootstrap()])
    np.testing.assert_allclose(batched, own, rtol=0, atol=1e-6)
    venvs[2].unwrapped.task.horizon = 10**9  # without truncation nothing is added
    assert np.abs(collect(algorithm, venvs[2], []) - own).max() > 1e-3


def test_batched_bootstrap_leaves_recurrent_ppo_alone():
    venvs = [make_vec_env("EcomToy-v0", n_envs=4, seed=0) for _ in range(2)]
    rewards = []
    for venv, callbacks in zip(venvs, ([], [BatchedTimeoutBootstrap()]), strict=True):
        keep = KeepRewards()
        model = RecurrentPPO("MlpLstmPolicy", venv, n_steps=16, batch_size=16, device="cpu", seed=0)
        model.learn(1, callback=[*callbacks, keep])
        rewards.append(keep.rewards)
    np.testing.assert_array_equal(*rewards)


@pytest.mark.parametrize("callback", [None, TerminalHorizon()])
def test_terminal_horizon_stores_a_true_end_in_a_replay_buffer(callback):
    model = SAC(
        "MlpPolicy", make_vec_env("EcomToy-v0", n_envs=2, seed=0), buffer_size=200, device="cpu", seed=0
    )
    model.learn(200, callback=callback)
    buffer = model.replay_buffer
    assert buffer.dones.any()
    assert buffer.timeouts.any() == (callback is None)


def test_tensorboards_custom_scalars_open_on_what_a_manager_asks(tmp_path):
    model = ppo(make_vec_env("EcomLostSales-v0", n_envs=64, seed=0), n_steps=128, batch_size=4096)
    model.set_logger(configure(str(tmp_path), ["tensorboard"]))
    model.learn(2 * 64 * 128, callback=EcomMetricsCallback(figure=False))
    written = EventAccumulator(str(tmp_path)).Reload()
    layout = layout_pb2.Layout.FromString(
        written.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    )
    assert [category.title for category in layout.category] == ["What a manager asks", "Policy", "Training"]
    charts = {chart.title: list(chart.multiline.tag) for chart in layout.category[0].chart}
    assert list(charts) == ["stock-outs, share of demand", "costs"]
    scalars = written.Tags()["scalars"]
    for category in layout.category:
        for chart in category.chart:
            tags = chart.multiline.tag
            assert any(re.search(tag, name) for tag in tags for name in scalars), chart.title


def test_every_metric_of_every_id_has_one_chart():
    for env_id, entry in specs().items():
        metrics = [metric.name for metric in entry.make_task().metrics]
        layout = dashboard(metrics, ["reward"], True)
        tags = [tag for category in layout.values() for _, tags in category.values() for tag in tags]
        for name in metrics:
            assert tags.count(f"^ecom/{name}$") == 1, (env_id, name)
