"""Two processes that train one model are held against one, and outlive a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from stable_baselines3 import PPO

from sb3_ecom.sb3.device import processes
from sb3_ecom.sb3.device.elastic import last_checkpoint
from sb3_ecom.sb3.device.ppo import DevicePPO
from sb3_ecom.sb3.device.vec_env import make_device_env
from tests.sb3.device import shared_update

ROOT = Path(__file__).parents[3]
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
YML = """
EcomLostSales-v0:
  n_envs: 16
  n_timesteps: 12800
  policy: MlpPolicy
  normalize: "dict(norm_obs=False, norm_reward=True)"
  n_steps: 16
  batch_size: 128
  n_epochs: 2
  learning_rate: lin_1e-3
"""


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def updates(tmp_path_factory):
    """Run the update of each algorithm in one process and in two; return the folder of their results."""
    folder = tmp_path_factory.mktemp("updates")
    for algorithm in shared_update.ALGORITHMS:
        model = shared_update.build(algorithm)
        callback = model._init_callback(None)
        model.collect_rollouts(model.env, callback, model.rollout_buffer, shared_update.STEPS)
        start = {"policy": model.policy.state_dict(), "columns": dict(model.rollout_buffer.columns)}
        torch.save(start, folder / f"{algorithm}.pt")
    for count in (1, 2):
        command = [*LAUNCH, f"--nproc-per-node={count}", shared_update.__file__, str(folder)]
        done = subprocess.run(
            command, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("algorithm", list(shared_update.ALGORITHMS))
def test_two_processes_update_as_one_with_all_copies(algorithm, updates):
    start = torch.load(updates / f"{algorithm}.pt")
    alone, first, second = (torch.load(updates / f"{algorithm}-{name}.pt") for name in ("1-0", "2-0", "2-1"))
    for one, other in zip(first["first"], second["first"], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)  # the network of process 0
    moved = 0.0
    for name, value in alone["updated"].items():
        torch.testing.assert_close(first["updated"][name], value, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(second["updated"][name], first["updated"][name], rtol=0, atol=0)
        moved = max(moved, float((value - start["policy"][name]).abs().max()))
    assert moved > 1e-4  # else the update proves nothing
    for one, other in zip(alone["moments"], second["moments"], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    # Process 0 stopped in its second rollout; the other ended that rollout and stopped too.
    copies, steps = shared_update.COPIES, shared_update.STEPS
    assert first["stopped_at"] == second["stopped_at"] == 2 * copies * steps


def test_a_run_whose_process_is_killed_goes_on_from_its_checkpoint_in_the_same_folder(tmp_path):
    (tmp_path / "ppo.yml").write_text(YML)
    command = [*LAUNCH, "--nproc-per-node=2", "--max-restarts=1", "-m", "sb3_ecom", "train"]
    command += ["--algo", "ppo_device", "--env", "EcomLostSales-v0", "-conf", "ppo.yml", "--seed", "1"]
    command += ["--device", "cpu", "--eval-freq", "-1", "--save-freq", "1280", "-f", "logs"]
    with (tmp_path / "out").open("w") as out:
        launcher = subprocess.Popen(
            command, env=environment(), cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT
        )
        folder = tmp_path / "logs" / "ppo_device"
        try:
            wait_for(lambda: last_checkpoint(folder / "EcomLostSales-v0_1"), launcher)
            os.kill(second_of(launcher.pid), signal.SIGKILL)
            assert launcher.wait(timeout=240) == 0, (tmp_path / "out").read_text()[-3000:]
        finally:
            launcher.kill()
    assert [path.name for path in folder.iterdir()] == ["EcomLostSales-v0_1"]
    model = PPO.load(folder / "EcomLostSales-v0_1" / "EcomLostSales-v0.zip")
    assert 12800 <= model.num_timesteps < 12800 + 512
    output = (tmp_path / "out").read_text()
    assert "Loading pretrained agent" in output  # once, by process 0 or 1: the first run began anew
    assert model._current_progress_remaining < 0.05  # the schedule went on, it did not begin again


def test_a_checkpoint_that_was_cut_is_passed_over(tmp_path):
    (tmp_path / "rl_model_200_steps.zip").write_bytes(b"PK cut")
    assert last_checkpoint(tmp_path) is None
    PPO("MlpPolicy", "Pendulum-v1", n_steps=8, batch_size=8).save(tmp_path / "rl_model_100_steps.zip")
    found = last_checkpoint(tmp_path)
    assert found == (tmp_path / "rl_model_100_steps.zip", None)


def test_what_processes_can_not_share_is_refused(monkeypatch):
    monkeypatch.setattr(processes, "process_count", lambda: 3)
    with pytest.raises(ValueError, match="n_envs must be a multiple of the 3 processes, got 8"):
        processes.share_of("n_envs", 8)
    monkeypatch.setattr("sb3_ecom.sb3.device.rollout.process_count", lambda: 2)
    with pytest.raises(ValueError, match=r"target_kl must be None where 2 processes.*got 0\.1"):
        DevicePPO(
            "MlpPolicy", make_device_env("EcomLostSales-v0", 4), n_steps=4, batch_size=16, target_kl=0.1
        )


def wait_for(found, launcher):
    ends = time.monotonic() + 200
    while not found():
        assert launcher.poll() is None, "the launcher ended before a checkpoint was there"
        assert time.monotonic() < ends, "no checkpoint after 200 s"
        time.sleep(0.02)


def second_of(parent: int) -> int:
    """Return the process with rank 1 of a launcher."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        if b"RANK=1\0" in Path(f"/proc/{child}/environ").read_bytes().replace(b"\0LOCAL_RANK", b"\0_"):
            return int(child)
    raise AssertionError(f"no process of rank 1 among {children}")
