"""Every id has settings for every algorithm that its action space allows."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gymnasium import spaces

import sb3_ecom

CONFIGS = Path(__file__).resolve().parents[2] / "zoo_configs"
ALWAYS = ("a2c", "ppo", "trpo")
BY_SPACE = {
    spaces.Box: (*ALWAYS, "ars", "crossq", "sac", "td3", "tqc"),
    spaces.Discrete: (*ALWAYS, "ars", "dqn", "qrdqn"),
    spaces.MultiDiscrete: ALWAYS,
}
IDS = sorted(name for name in sb3_ecom.specs() if "Toy" not in name)


def settings(algo):
    return yaml.load((CONFIGS / f"{algo}.yml").read_text(), Loader=yaml.UnsafeLoader)


@pytest.mark.parametrize("env_id", IDS)
def test_every_id_has_an_entry_or_the_default_of_each_algorithm_its_actions_allow(env_id):
    space = sb3_ecom.spec(env_id).make_task().action_space
    for algo in BY_SPACE[type(space)]:
        found = settings(algo)
        entry = found.get(env_id, found.get("default"))
        assert entry is not None, f"{algo}.yml has no entry for {env_id} and no default"
        assert entry["n_timesteps"] > 0
        assert entry["policy"]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yml")), ids=lambda path: path.stem)
def test_entries_are_of_our_ids_and_their_comments_are_short(path):
    assert set(yaml.load(path.read_text(), Loader=yaml.UnsafeLoader)) <= {*IDS, "default"}
    run = 0
    for line in path.read_text().splitlines():
        run = run + 1 if line.startswith("#") else 0
        assert run <= 3, f"a comment of more than three lines above {line!r}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algo", "env_id"),
    [
        *((algo, "EcomAdsRank-v0") for algo in BY_SPACE[spaces.Box]),
        *((algo, "EcomAdsTarget-v0") for algo in BY_SPACE[spaces.Discrete]),
        *((algo, "EcomRecEvolution-v0") for algo in BY_SPACE[spaces.MultiDiscrete]),
    ],
)
def test_the_settings_train(algo, env_id, tmp_path):
    command = [sys.executable, "-m", "rl_zoo3.train", "--algo", algo, "--env", env_id]
    command += ["--gym-packages", "sb3_ecom.fast", "-conf", str(CONFIGS / f"{algo}.yml"), "-n", "6000"]
    command += ["--eval-freq", "-1", "-f", str(tmp_path), "--num-threads", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
