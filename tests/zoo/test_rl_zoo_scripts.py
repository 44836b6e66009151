"""Every rl-zoo script works on EcomRec-v0, each on a tiny budget."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from stable_baselines3.common.monitor import load_results

from sb3_ecom.sb3.zoo import config_path
from tests.zoo.runner import environment, run, train_arguments

#: Small rollouts instead of the tuned ones: the scripts are under test, not the learning.
SMALL = ("-params", "n_envs:8", "n_steps:32", "batch_size:64", "n_epochs:1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which PPO was trained with native stepping, TensorBoard, checkpoints and a monitor."""
    folder = tmp_path_factory.mktemp("zoo")
    output = run(folder, *train_arguments("ppo", 4096, "-tb", "runs", "-P", "--save-freq", "1024", *SMALL))
    return folder, output


def test_the_literal_command_trains(tmp_path):
    output = run(tmp_path, "rl_zoo3.train", "--env", "EcomRec-v0", "-n", "300", "--eval-freq", "-1")
    assert "OrderedDict" in output or "ep_rew_mean" in output
    assert (tmp_path / "logs/ppo/EcomRec-v0_1/EcomRec-v0.zip").is_file()


SLOW = [pytest.param(algo, marks=pytest.mark.slow) for algo in ("tqc", "crossq")]  # their networks are large


@pytest.mark.parametrize("algo", ["a2c", "trpo", "ars", "sac", "td3", *SLOW])
def test_the_literal_command_trains_with_other_algorithms(tmp_path, algo):
    run(tmp_path, "rl_zoo3.train", "--algo", algo, "--env", "EcomRec-v0", "-n", "250", "--eval-freq", "-1")
    assert (tmp_path / f"logs/{algo}/EcomRec-v0_1/EcomRec-v0.zip").is_file()


def test_native_training_writes_model_checkpoints_monitor_and_scalars(trained):
    folder, _ = trained
    logs = folder / "logs/ppo/EcomRec-v0_1"
    assert (logs / "EcomRec-v0.zip").is_file()
    assert list(logs.glob("rl_model_*_steps.zip"))
    assert len(load_results(str(logs))) > 50
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (events,) = folder.glob("runs/EcomRec-v0/PPO_1/events*")
    scalars = EventAccumulator(str(events)).Reload().Tags()["scalars"]
    for name in ("ctr", "clicks_per_session", "session_length", "score", "coverage"):
        assert any(tag.startswith("ecom/") and name in tag for tag in scalars), (name, scalars)
    assert "rollout/ep_rew_mean" in scalars


def test_enjoy_replays_it(trained):
    output = run(
        trained[0],
        *("rl_zoo3.enjoy", "--algo", "ppo", "--env", "EcomRec-v0", "-f", "logs", "-n", "200", "--no-render"),
        *("--gym-packages", "sb3_ecom.fast"),
    )
    assert "Mean reward" in output or "Episode Reward" in output


def test_record_video_writes_a_film(trained):
    run(trained[0], *("rl_zoo3.record_video", "--env", "EcomRec-v0", "-f", "logs", "-n", "20"))
    (film,) = trained[0].glob("logs/ppo/EcomRec-v0_1/videos/*.mp4")
    assert film.stat().st_size > 5000


def test_plot_scripts_read_the_logs(trained):
    run(trained[0], *("rl_zoo3.plots.plot_train", "-a", "ppo", "-e", "EcomRec-v0", "-f", "logs"))
    run(
        trained[0],
        *("rl_zoo3.train", "--env", "EcomRec-v0", "-n", "600", "--eval-freq", "200", "--eval-episodes", "2"),
        *("-f", "evaluated", "--gym-packages", "sb3_ecom.fast"),
    )
    run(
        trained[0],
        *("rl_zoo3.plots.all_plots", "-a", "ppo", "-e", "EcomRec-v0", "-f", "evaluated", "--no-display"),
    )


def test_a_killed_run_resumes_from_its_checkpoint(tmp_path):
    arguments = train_arguments("ppo", 10_000_000, "--save-freq", "2048", *SMALL)
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=tmp_path, env=environment())
    checkpoints = tmp_path / "logs/ppo/EcomRec-v0_1"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("rl_model_*_steps.zip")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(1.0)  # let the file be finished
    process.send_signal(signal.SIGKILL)
    process.wait()
    saved = sorted(checkpoints.glob("rl_model_*_steps.zip"))[0]
    output = run(tmp_path, *train_arguments("ppo", 2048, "-i", str(saved), *SMALL))
    assert "Loading pretrained agent" in output
    assert (tmp_path / "logs/ppo/EcomRec-v0_2/EcomRec-v0.zip").is_file()


def test_subprocess_envs_train(tmp_path):
    run(tmp_path, *train_arguments("ppo", 512, "--vec-env", "subproc", "-params", "n_envs:2", "n_steps:32"))


def test_two_processes_share_a_search_and_keep_the_sequence_extractor(tmp_path):
    arguments = train_arguments(
        "ppo",
        600,
        *("-optimize", "--n-trials", "1", "--n-startup-trials", "1", "--n-evaluations", "1"),
        *("--storage", "search.log", "--study-name", "search", "--no-optim-plots"),
        *("-params", "policy:'sb3_ecom.sb3.policies.sequence.LstmPolicy'", "n_envs:4"),
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    for process, output in zip(both, outputs, strict=True):
        assert process.returncode == 0, output[-4000:]
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    study = optuna.load_study(
        study_name="search", storage=JournalStorage(JournalFileBackend(str(tmp_path / "search.log")))
    )
    assert len(study.trials) == 2
    assert all(np.isfinite(trial.value) for trial in study.trials)


def test_rl_zoo_evaluates_item_rows_on_half_years_that_differ_and_when_it_is_asked_to(tmp_path):
    run(
        tmp_path,
        *("rl_zoo3.train", "--env", "EcomInventory-v0", "--gym-packages", "sb3_ecom.fast"),
        *("-conf", str(config_path("ppo")), "-n", "1280", "--seed", "1", "--num-threads", "1"),
        *("--eval-freq", "640", "--save-freq", "640", "--eval-episodes", "3"),
        *("-params", "n_envs:2", "n_steps:32", "batch_size:64", "n_epochs:1"),
    )
    logs = tmp_path / "logs/ppo/EcomInventory-v0_1"
    with np.load(logs / "evaluations.npz") as found:
        assert found["timesteps"].tolist() == [640, 1280]
        assert [len(set(row)) for row in found["results"].tolist()] == [3, 3]
        assert (found["ep_lengths"] == 182).all()
    assert {path.name for path in logs.glob("rl_model_*_steps.zip")} >= {"rl_model_640_steps.zip"}
