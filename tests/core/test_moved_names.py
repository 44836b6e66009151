"""Old dotted names still resolve, with a warning, where a zip, a pickle or a yml asks for them."""

import importlib
import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.core import moved_names
from tests.zoo.runner import run

RECORDED = Path(__file__).parents[1] / "recorded"
PATTERNS = [
    ("sb3_ecom.envs.inventory.tasks.chain", "ChainTask", "sb3_ecom.envs.inventory.chain.env"),
    ("sb3_ecom.envs.inventory.oracles.serial", "oracle", "sb3_ecom.envs.inventory.serial.oracle"),
    ("sb3_ecom.envs.recommendation.env", "SessionTask", "sb3_ecom.envs.recommendation.session.env"),
    ("sb3_ecom.sb3.extractors", "GRUExtractor", "sb3_ecom.sb3.extractors.recurrent"),
    ("sb3_ecom.sb3.policies", "GruPolicy", "sb3_ecom.sb3.policies.sequence"),
    ("sb3_ecom.core.tables", "read_table", "sb3_ecom.core.tables.reader"),
]


def test_a_model_saved_under_the_old_names_loads_with_a_warning_and_acts_as_it_did():
    with pytest.warns(DeprecationWarning, match="KnownItemPolicy is now .*LastItemEmbeddingPolicy"):
        model = PPO.load(RECORDED / "known_item_policy.zip")
    recorded = json.loads((RECORDED / "known_item_policy_actions.json").read_text())
    observations = np.asarray(recorded["observations"], dtype=np.float32)
    actions, _ = model.predict(observations, deterministic=True)
    np.testing.assert_allclose(actions, recorded["actions"], rtol=1e-4, atol=1e-6)


def test_a_yml_with_an_old_name_trains(tmp_path):
    (tmp_path / "ppo.yml").write_text(
        "EcomRec-v0:\n  n_timesteps: 32\n  n_envs: 4\n  n_steps: 8\n  batch_size: 32\n"
        "  policy: sb3_ecom.sb3.known_item.KnownItemPolicy\n"
    )
    arguments = [
        "--algo",
        "ppo",
        "--env",
        "EcomRec-v0",
        "--gym-packages",
        "sb3_ecom.fast",
        "-conf",
        "ppo.yml",
    ]
    run(tmp_path, "rl_zoo3.train", *arguments, "-n", "32", "--eval-freq", "-1", "--num-threads", "1")


@pytest.mark.parametrize(("old", "new"), sorted(moved_names.old_modules()))
def test_every_moved_module_is_where_the_table_says(old, new):
    assert importlib.util.find_spec(new) is not None
    assert importlib.import_module(old) is not None


@pytest.mark.parametrize(("old", "new"), sorted(moved_names.ATTRIBUTES.items()))
def test_every_old_name_gives_the_class_of_the_new_name(old, new):
    module, _, name = old.rpartition(".")
    place, _, target = new.rpartition(".")
    with pytest.warns(DeprecationWarning, match=name):
        found = getattr(importlib.import_module(module), name)
    assert found is getattr(importlib.import_module(place), target)


@pytest.mark.parametrize(("module", "name", "place"), PATTERNS)
def test_names_of_whole_folders_that_moved_are_found(module, name, place):
    with pytest.warns(DeprecationWarning, match=name):
        found = getattr(importlib.import_module(module), name)
    assert found is getattr(importlib.import_module(place), name)


def test_a_pickle_by_the_old_name_loads():
    for name in (b"Blocks", b"Candidates", b"Items"):  # core.spaces imports them itself
        assert pickle.loads(b"csb3_ecom.core.spaces\n" + name + b"\n.").__name__ == name.decode()
    with pytest.warns(DeprecationWarning, match="ItemSigns"):
        assert pickle.loads(b"csb3_ecom.core.spaces\nItemSigns\n.").__name__ == "ItemSignature"


def test_what_never_was_there_is_missed_as_ever():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("sb3_ecom.sb3.nothing")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("sb3_ecom.envs.inventory.tasks.nothing")
    with pytest.raises(AttributeError, match="nothing"):
        _ = importlib.import_module("sb3_ecom.core.spaces").nothing
    with pytest.raises(AttributeError, match="nothing"):
        _ = importlib.import_module("sb3_ecom.sb3.known_item").nothing


def test_new_names_warn_of_nothing():
    code = (
        "import warnings; warnings.simplefilter('error', DeprecationWarning); import sb3_ecom;"
        "from sb3_ecom.core.spaces import LayoutBox; from sb3_ecom.core import tables, item_spaces"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_installing_twice_changes_nothing():
    before = list(sys.meta_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        moved_names.install()
    assert sys.meta_path == before
    assert sb3_ecom.specs()
