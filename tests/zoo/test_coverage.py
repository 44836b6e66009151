"""Every id has settings for every algorithm that its actions allow, and every entry trains."""

import argparse
import re

import pytest
import yaml
from gymnasium import spaces
from rl_zoo3.exp_manager import ExperimentManager

import sb3_ecom
from sb3_ecom.sb3.device.train import ALGORITHMS as ON_DEVICE
from sb3_ecom.sb3.zoo import batched_vec_env, config_path

CONFIGS = config_path("ppo").parent
ALGORITHMS = sorted(path.stem for path in CONFIGS.glob("*.yml"))
IDS = sorted(env_id for env_id in sb3_ecom.specs() if not env_id.startswith("EcomToy"))

#: Action spaces that an algorithm of SB3 or sb3-contrib takes.
CONTINUOUS, DISCRETE = (spaces.Box,), (spaces.Discrete,)
ACTIONS = {
    **dict.fromkeys(("ppo", "a2c", "trpo", *ON_DEVICE), (spaces.Box, spaces.Discrete, spaces.MultiDiscrete)),
    "ars": (spaces.Box, spaces.Discrete),
    **dict.fromkeys(("sac", "td3", "tqc", "crossq"), CONTINUOUS),
    **dict.fromkeys(("dqn", "qrdqn"), DISCRETE),
}
#: Sizes that show that an entry trains, instead of its own; only keys that the entry has.
SMALL = {
    **{"n_envs": 2, "n_steps": 32, "batch_size": 64, "n_epochs": 1},
    **{"learning_starts": 64, "buffer_size": 1000, "target_update_interval": 50},
    **{"n_delta": 2, "n_top": 1, "n_eval_episodes": 1},
}
STEPS = 256


def entries(algo):
    return yaml.safe_load(config_path(algo).read_text(encoding="utf-8"))


CASES = [(algo, env_id) for algo in ALGORITHMS for env_id in entries(algo) if env_id != "default"]


def allowed(algo, env_id):
    return isinstance(sb3_ecom.spec(env_id).make_task().action_space, ACTIONS[algo])


def manager(algo, env_id, folder, **overrides):
    return ExperimentManager(
        argparse.Namespace(),
        algo,
        env_id,
        str(folder),
        n_timesteps=STEPS,
        eval_freq=-1,
        log_interval=-1,
        hyperparams=overrides,
        config=str(config_path(algo)),
        seed=1,
        verbose=0,
        device="cpu",
    )


@pytest.mark.parametrize("env_id", IDS)
def test_an_id_has_an_entry_or_the_default_of_every_algorithm_that_its_actions_allow(env_id):
    missing = [
        algo for algo in ALGORITHMS if allowed(algo, env_id) and not {env_id, "default"} & set(entries(algo))
    ]
    assert not missing, f"add {env_id} to these files of zoo_configs"


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_entries_are_of_our_ids(algo):
    assert set(entries(algo)) <= {*IDS, "default"}


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_a_comment_has_at_most_three_lines_and_no_measured_figure(algo):
    lines = 0
    for line in config_path(algo).read_text(encoding="utf-8").splitlines():
        comment = re.search(r"(^|\s)#.*", line)
        lines = lines + 1 if line.lstrip().startswith("#") else 0
        assert lines <= 3, line
        assert comment is None or not re.search(r"\d*\.\d", comment[0]), line


@pytest.mark.parametrize(("algo", "env_id"), [case for case in CASES if case[0] not in ON_DEVICE])
def test_an_entry_is_read_and_its_actions_fit_its_algorithm(algo, env_id, tmp_path):
    entry = entries(algo)[env_id]
    found = manager(algo, env_id, tmp_path)
    plain, _ = found.read_hyperparameters()
    known, _, callbacks, wrapper = found._preprocess_hyperparams(plain)
    assert known["policy"]
    assert callbacks
    assert (wrapper is None) == ("vec_env_wrapper" not in entry)
    task = sb3_ecom.spec(env_id).make_task(**entry.get("env_kwargs", {}))
    assert isinstance(task.action_space, ACTIONS[algo])


@pytest.mark.slow
@pytest.mark.parametrize(("algo", "env_id"), [case for case in CASES if case[0] not in ON_DEVICE])
def test_an_entry_trains(algo, env_id, tmp_path, monkeypatch):
    monkeypatch.setattr(ExperimentManager, "default_vec_env_cls", staticmethod(batched_vec_env))
    entry = entries(algo)[env_id]
    small = {name: value for name, value in SMALL.items() if name in entry}
    if algo == "ars":
        small["n_envs"] = 1
    found = manager(algo, env_id, tmp_path, **small)
    model, _ = found.setup_experiment()
    found.learn(model)
    assert model.num_timesteps >= STEPS
