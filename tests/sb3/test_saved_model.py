"""A saved model acts where it was trained, behind its own statistics, and says so otherwise."""

import pickle

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from sb3_ecom.core.registry import make_task
from sb3_ecom.sb3 import VecItemRows, VecResidual, make_vec_env
from sb3_ecom.sb3.saved_model import find_statistics, load_policy

SMALL = {"n_steps": 8, "batch_size": 8, "n_epochs": 1, "device": "cpu"}


def serial(**kwargs):
    settings = {"rule": "local_base_stock", **kwargs}
    return VecResidual(make_vec_env("EcomSerial-v0", 2, seed=1), **settings)


def rows(**kwargs):
    settings = {"rule": "forecast_refined", **kwargs}
    return VecItemRows(make_vec_env("EcomInventory-v0", 2, seed=1), **settings)


@pytest.mark.parametrize(
    ("make", "other", "named"),
    [
        (
            lambda: serial(max_offset=6.0),
            lambda: serial(max_offset=1.0),
            ("max_offset=6.0", "max_offset=1.0"),
        ),
        (lambda: rows(max_offset=0.5), lambda: rows(max_offset=2.0), ("max_offset=0.5", "max_offset=2.0")),
        (lambda: rows(), lambda: rows(rule="forecast_s_S"), ("forecast_refined", "forecast_s_S")),
        (
            lambda: make_vec_env("EcomAds-v0", 2),
            lambda: make_vec_env("EcomAds-v0", 2, preset="exchange2"),
            ("price_median=",),
        ),
        (
            lambda: make_vec_env("EcomAds-v0", 2),
            lambda: VecNormalize(make_vec_env("EcomAds-v0", 2, control="absolute"), norm_obs=False),
            ("control='absolute'",),
        ),
    ],
)
def test_sb3_refuses_another_environment_and_names_the_difference(make, other, named, tmp_path):
    model = PPO("MlpPolicy", make(), **SMALL)
    model.save(tmp_path / "model.zip")
    PPO.load(tmp_path / "model.zip", env=make(), device="cpu").set_env(make())
    for use in (lambda env: PPO.load(tmp_path / "model.zip", env=env, device="cpu"), model.set_env):
        with pytest.raises(ValueError, match="spaces do not match") as refusal:
            use(other())
        assert all(part in str(refusal.value) for part in named), refusal.value


def test_load_policy_refuses_another_environment_unless_it_is_meant(tmp_path):
    path = tmp_path / "model.zip"
    PPO("MlpPolicy", make_vec_env("EcomLostSales-v0", 2), **SMALL).save(path)
    other = make_task("EcomLostSales-v0", penalty=9.0)
    with pytest.raises(ValueError, match=r"trained with penalty=4\.0, but this environment has penalty=9\.0"):
        load_policy(path, other, "ppo")
    assert load_policy(path, other, "ppo", transfer=True).predict(np.zeros((2, 4)))[0].shape == (2,)
    assert load_policy(path, make_task("EcomLostSales-v0"), "ppo").normalize is None


def test_a_space_saved_before_spaces_knew_their_origin_fits():
    ours = make_task("EcomRec-v0").observation_space
    old = pickle.loads(pickle.dumps(ours))
    del old.__dict__["origin"]
    old = pickle.loads(pickle.dumps(old))
    assert old.origin is None
    assert old == ours == old
    assert old != make_task("EcomRecSlate-v0").observation_space


def test_statistics_of_a_sibling_are_never_taken(tmp_path):
    run = tmp_path / "ppo" / "EcomLostSales-v0_1"
    for folder in (run / "other", run.parent / "EcomLostSales-v0_2" / "EcomLostSales-v0"):
        folder.mkdir(parents=True)
        (folder / "vecnormalize.pkl").write_bytes(b"another model's")
    model = run / "best_model.zip"
    model.touch()
    assert find_statistics(model) is None
    own = run / "EcomLostSales-v0" / "vecnormalize.pkl"
    own.parent.mkdir()
    own.touch()
    assert find_statistics(model) == own
    assert find_statistics(run / "EcomLostSales-v0.zip") == own


def test_statistics_are_named_when_they_are_used(tmp_path):
    run = tmp_path / "ppo" / "EcomLostSales-v0_1"
    venv = VecNormalize(make_vec_env("EcomLostSales-v0", 2))
    PPO("MlpPolicy", venv, **SMALL).save(run / "EcomLostSales-v0.zip")
    (run / "EcomLostSales-v0").mkdir()
    venv.save(str(run / "EcomLostSales-v0" / "vecnormalize.pkl"))
    loaded = load_policy(run, make_task("EcomLostSales-v0"), env_id="EcomLostSales-v0")
    assert loaded.statistics == run / "EcomLostSales-v0" / "vecnormalize.pkl"


def test_files_from_outside_the_current_folder_are_refused_unless_trusted(tmp_path, monkeypatch):
    own, strange = tmp_path / "own", tmp_path / "strange"
    own.mkdir()
    model = PPO("MlpPolicy", make_vec_env("EcomLostSales-v0", 2), **SMALL)
    model.save(own / "model.zip")
    model.save(strange / "model.zip")
    (own / "link.zip").symlink_to(strange / "model.zip")
    monkeypatch.chdir(own)
    task = make_task("EcomLostSales-v0")
    load_policy("model.zip", task, "ppo", trust=False)
    for path in ("../strange/model.zip", "link.zip"):
        with pytest.raises(ValueError, match="lies outside the current folder"):
            load_policy(path, task, "ppo", trust=False)
        load_policy(path, task, "ppo", trust=True)
    with pytest.raises(ValueError, match="lies outside the current folder"):
        load_policy("model.zip", task, "ppo", strange / "model.zip", trust=False)
