"""`sb3-ecom explain` writes what a policy looks at under names that a shop understands."""

import csv
import sys

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.__main__ import main
from sb3_ecom.core.feature_names import flat_names, names_of
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.spaces import Layout
from sb3_ecom.sb3 import LastItemEmbeddingPolicy, LastItemEmbeddingSlatePolicy, VecResidual, make_vec_env
from sb3_ecom.sb3.explain.model_view import ModelView
from sb3_ecom.sb3.saved_model import load_policy

pytest.importorskip("captum")
pytest.importorskip("sklearn")
QUICK = ("--decisions", "64", "--states", "1500", "--depth", "3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(env_id, policy, venv=None, **kwargs):
    """Save an untrained model as rl-zoo would, its weights large enough to tell states apart."""
    env = gym.make(env_id) if venv is None else venv
    model = PPO(policy, env, n_steps=16, batch_size=16, seed=0, device="cpu", **kwargs)
    with torch.no_grad():
        for name, weight in model.policy.named_parameters():
            if "action_net" in name:
                weight.mul_(30.0)
    model.save(f"logs/ppo/{env_id}_1/{env_id}.zip")
    return model


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_ranker_is_explained_by_names_and_ids(folder, capsys):
    save("EcomRec-v0", LastItemEmbeddingPolicy)
    assert main(["explain", "logs/ppo/EcomRec-v0_1", "--out", "why", "--preset", "eshop", *QUICK]) == 0
    report = (folder / "why/report.md").read_text()
    lines = [line for line in report.splitlines() if line]
    assert lines[0] == "# logs/ppo/EcomRec-v0_1, a policy of EcomRec-v0 on eshop"
    assert lines[1].startswith("The tree that imitates the policy has fidelity ")
    assert (folder / "why/rules.txt").read_text().startswith("fidelity ")
    assert report in capsys.readouterr().out
    found = rows(folder / "why/importances.csv")
    components = list(dict.fromkeys(row["what"] for row in found))
    assert components[:2] == ["popularity", "affinity to the last click"]
    assert len(components) == 14
    features = {row["feature"] for row in found}
    assert {"price of the last click", "item of the last click"} <= features
    for name in components:
        assert sum(float(row["share"]) for row in found if row["what"] == name) == pytest.approx(1, abs=1e-3)
    items = rows(folder / "why/items.csv")
    ids = make_task("EcomRec-v0").params.catalogue.item_ids
    assert {row["item"] for row in items} <= set(ids)
    assert sum(int(row["decisions"]) for row in items) == 64
    for picture in ("importances.png", "tree.png"):
        assert (folder / "why" / picture).read_bytes().startswith(b"\x89PNG")


def test_a_slate_is_explained_as_one_choice(folder):
    save("EcomRecSlate-v0", LastItemEmbeddingSlatePolicy)
    quick = ("--decisions", "64", "--states", "600", "--depth", "2")
    assert main(["explain", "logs/ppo/EcomRecSlate-v0_1", "--out", "why", *quick]) == 0
    found = rows(folder / "why/importances.csv")
    assert {row["what"] for row in found} == {"log-probability of the choice"}
    assert not any("was opened" in row["feature"] for row in found)  # closed items are a mask
    assert "share of equal actions" in (folder / "why/report.md").read_text()


def test_a_model_on_a_rule_is_explained_with_the_rule_s_features(folder):
    venv = VecResidual(make_vec_env("EcomAds-v0", 2, seed=0), rule="model_predictive_feedback")
    save("EcomAds-v0", "MlpPolicy", venv)
    assert main(["explain", "logs/ppo/EcomAds-v0_1", "--out", "why", *QUICK]) == 0
    found = rows(folder / "why/importances.csv")
    assert {row["what"] for row in found} == {"log multiplier: offset to model_predictive_feedback"}
    features = {row["feature"] for row in found}
    assert {"model_predictive_feedback: good regime", "win rate of the last tick"} <= features
    assert not any("validity" in feature for feature in features)


def test_the_view_acts_as_the_policy_does(folder):
    venv = VecResidual(make_vec_env("EcomAds-v0", 2, seed=0), rule="model_predictive_feedback")
    save("EcomAds-v0", "MlpPolicy", venv)
    task = make_task("EcomAds-v0")
    saved = load_policy("logs/ppo/EcomAds-v0_1", task, env_id="EcomAds-v0")
    view = ModelView(saved, task, 3, seed=4)
    seen = view.reset()
    for _ in range(5):
        seen = view.step(view.model.predict(seen, deterministic=True)[0])[0]
    loop = sb3_ecom.core.loop.StepLoop(task, 3)
    observation = loop.reset(4)
    for _ in range(5):
        observation = loop.step(saved.predict(observation)[0]).observation
    np.testing.assert_array_equal(seen[:, 3:], observation)


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomRecSlate-v0", "EcomAds-v0", "EcomInventory-v0"])
def test_every_float_of_the_flagships_has_a_name_of_its_own(env_id):
    task = make_task(env_id)
    layout = task.observation_space.layout
    names = names_of(task, layout)
    found = flat_names(names, layout)
    assert len(set(found)) == len(found) == layout.size
    if names.action:
        assert len(names.action) == task.action_space.shape[0]


def test_a_task_without_names_gets_numbers():
    names = names_of(object(), Layout(1, 2, 2))
    assert flat_names(names, Layout(1, 2, 2)) == [
        *("context 0", "feature 0 of the last step but one", "feature 1 of the last step but one"),
        *("feature 0 of the last step", "feature 1 of the last step"),
    ]


def test_wrong_calls_are_one_line(folder, capsys, monkeypatch):
    save("EcomRec-v0", LastItemEmbeddingPolicy)
    command = ("explain", "logs/ppo/EcomRec-v0_1", "--out", "why")
    for more, message in (
        (("--decisions", "0"), "--decisions must be >= 1, got 0"),
        (("--env", "EcomRecSlate-v0"), "no model file"),
        (("--env-kwargs", "slate_size:4"), "was trained with slate_size=5"),
    ):
        assert main([*command, *more]) == 2
        assert message in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "captum.attr", raising=False)
    monkeypatch.setitem(sys.modules, "captum", None)
    assert main([*command, *QUICK]) == 2
    assert "needs captum: pip install 'sb3-ecom[explain]'" in capsys.readouterr().err
    assert not (folder / "why").exists()
