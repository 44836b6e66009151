"""Exported folders act as the models they were made from."""

from collections import OrderedDict

import gymnasium as gym
import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO

import sb3_ecom.sb3
from sb3_ecom.core.evaluate import evaluate
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import make_task, spec
from sb3_ecom.envs.inventory.shop import baselines
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.live.rules import make_adapter
from sb3_ecom.sb3.export import export, reached_observations
from sb3_ecom.sb3.onnx_graph import quantise
from sb3_ecom.sb3.saved_model import load_policy
from tests.live.models import save_bidder, save_planner


@pytest.mark.parametrize("env_id", ["EcomRec-v0", "EcomRecSlate-v0"])
def test_an_exported_policy_acts_as_its_model(env_id, tmp_path):
    model = PPO("MlpPolicy", gym.make(env_id), n_steps=64, seed=0)
    model.save(tmp_path / "ppo.zip")
    export(tmp_path / "ppo.zip", tmp_path / "out", env_id, checked=1000)

    def predict(observation):
        return model.predict(observation, deterministic=True)[0]

    seen = reached_observations(spec(env_id).make_task(), predict, 512, seed=1)
    np.testing.assert_allclose(DeployedPolicy(tmp_path / "out").act(seen), predict(seen), atol=1e-5)


@pytest.mark.parametrize(
    ("save", "env_id"), [(save_bidder, "EcomAds-v0"), (save_planner, "EcomInventory-v0")]
)
def test_a_model_that_shifts_a_rule_exports_with_it(save, env_id, tmp_path):
    run = save(tmp_path)
    export(run, tmp_path / "out", env_id, checked=600)
    policy, deployed = load_policy(run, make_task(env_id)), DeployedPolicy(tmp_path / "out")
    loop = StepLoop(make_task(env_id), 5)
    observation = loop.reset(3)
    for _ in range(60):  # past the end of a day
        action = policy.predict(observation)[0]
        np.testing.assert_allclose(deployed.act(observation), action, atol=1e-5)
        observation = loop.step(action).observation


def test_a_fresh_copy_forgets_the_episode(tmp_path):
    export(save_bidder(tmp_path), tmp_path / "out", "EcomAds-v0", checked=100)
    deployed = DeployedPolicy(tmp_path / "out")
    seen = reached_observations(deployed.task, deployed.fresh().act, 3 * 256).reshape(3, 256, -1)
    one, two = deployed.fresh(), deployed.fresh()
    first = [one.act(part) for part in seen]
    np.testing.assert_array_equal([two.act(part) for part in seen], first)


@pytest.fixture
def no_search(monkeypatch):
    """Count searches for the constants of reorder rules, and give any constants at once."""
    searched = []

    def found(task, name):
        searched.append(name)
        items = task.params.demand.items
        return np.linspace(0.0, 0.4, items), np.linspace(0.1, 0.9, items)

    monkeypatch.setattr(baselines, "parameters", found)
    return searched


def test_tuned_constants_stay_with_the_model(no_search, tmp_path):
    run = save_planner(tmp_path, num_items=3)
    no_search.clear()
    load_policy(run, make_task("EcomInventory-v0", num_items=3))
    manifest = export(run, tmp_path / "out", "EcomInventory-v0", checked=300, num_items=3)
    DeployedPolicy(tmp_path / "out").act(np.zeros((1, 11 + 15 + 14 * 7), np.float32))
    assert not no_search
    assert manifest.rule["constants"]["u"] == [0.0, 0.2, 0.4]


def test_constants_of_another_shop_are_not_taken(no_search, tmp_path):
    run = save_planner(tmp_path, num_items=3)
    no_search.clear()
    other = make_task("EcomInventory-v0", num_items=3, margin=0.2)
    load_policy(run, other, transfer=True)
    assert no_search == ["forecast_refined"]
    export(run, tmp_path / "out", "EcomInventory-v0", checked=100, num_items=3)
    rule = DeployedPolicy(tmp_path / "out").manifest.rule
    with pytest.raises(ValueError, match="another shop"):
        make_adapter(other, rule)
    with pytest.raises(ValueError, match="got none"):
        make_adapter(other, {**rule, "constants": None})


def test_a_model_of_another_environment_does_not_export(tmp_path):
    run = save_planner(tmp_path, num_items=2, rule=None)
    with pytest.raises(ValueError, match="margin"):
        export(run, tmp_path / "out", "EcomInventory-v0", checked=10, num_items=2, margin=0.2)


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    run = save_bidder(tmp_path / "run", rule=None)
    export(run, tmp_path / "out", "EcomAds-v0", checked=100)
    before = (tmp_path / "out" / "manifest.json").read_text()
    monkeypatch.setattr(DeployedPolicy, "run", lambda self, inputs: {"action": np.ones((len(inputs), 1))})
    for name in ("out", "new"):
        with pytest.raises(ValueError, match="differ"):
            export(run, tmp_path / name, "EcomAds-v0", checked=100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]
    assert (tmp_path / "out" / "manifest.json").read_text() == before


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    run = save_bidder(tmp_path / "run", rule=None)
    with pytest.raises(ValueError, match="exported policy"):
        export(run, tmp_path / "run", "EcomAds-v0", checked=100)
    assert run.is_file()


def test_a_preset_takes_its_bases_along(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = "\n".join(['base = "exchange3"', "[params]", "price_spread = 0.7", "price_median = 2.0", ""])
    (tmp_path / "base.toml").write_text(base)
    (tmp_path / "own.toml").write_text('base = "base.toml"\n[params]\nprice_median = 3.0\n')
    run = save_bidder(tmp_path / "run", rule=None, preset="own.toml")
    export(run, "out", "EcomAds-v0", checked=10, preset="own.toml")
    (tmp_path / "base.toml").unlink()
    (tmp_path / "own.toml").unlink()
    params = DeployedPolicy("out").task.params
    assert (params.price_median, params.price_spread, params.value_alpha) == (3.0, 0.7, 1.14657)


def test_an_export_says_what_it_and_its_variants_earn_and_what_trained_it(tmp_path):
    run = tmp_path / "ppo" / "EcomRec-v0_1"
    (run / "EcomRec-v0").mkdir(parents=True)
    PPO("MlpPolicy", gym.make("EcomRec-v0"), n_steps=64, seed=0).save(run / "EcomRec-v0.zip")
    options = OrderedDict(algo="ppo", env="EcomRec-v0", env_kwargs={"horizon": 50}, n_timesteps=-1, seed=3)
    (run / "EcomRec-v0" / "args.yml").write_text(yaml.dump(OrderedDict(sorted(options.items()))))
    manifest = export(run, tmp_path / "out", "EcomRec-v0", checked=64, episodes=50, horizon=50)
    command = 'python -m rl_zoo3.train --algo ppo --env EcomRec-v0 --seed 3 --env-kwargs "horizon:50"'
    assert manifest.command == command
    assert set(manifest.simulated) == {"policy", "int8", "pruned"}
    own = manifest.simulated["policy"]
    assert own["less"] == 0.0
    assert own["stderr"] > 0
    assert manifest.simulated["int8"]["bytes"] < own["bytes"]
    deployed = DeployedPolicy(tmp_path / "out")  # checks the files' hashes
    assert deployed.manifest == manifest
    expected = evaluate("EcomRec-v0", deployed.act, episodes=50, horizon=50).mean
    assert own["return"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("env_id", "policy"),
    [
        *(("EcomRec-v0", f"{kind}Policy") for kind in ("Lstm", "Gru", "Attention", "Transformer")),
        ("EcomRec-v0", "LastItemEmbeddingPolicy"),
        *(("EcomRecSlate-v0", f"{kind}SlatePolicy") for kind in ("LastItemEmbedding", "Lstm", "Attention")),
        ("EcomRecSingle-v0", "LastItemEmbeddingSlatePolicy"),
        *(("EcomAds-v0", f"{kind}Policy") for kind in ("Lstm", "Attention")),
    ],
)
def test_sequence_policies_export(env_id, policy, tmp_path, recwarn, caplog):
    PPO(getattr(sb3_ecom.sb3, policy), gym.make(env_id), n_steps=16, batch_size=16, seed=0).save(
        tmp_path / "ppo.zip"
    )
    manifest = export(tmp_path / "ppo.zip", tmp_path / "out", env_id, checked=512)  # refused where it differs
    assert manifest.env_id == env_id
    quantise(tmp_path / "out" / "policy.onnx", tmp_path / "int8.onnx")
    traced = [each for each in recwarn if "torch" in each.filename or "sb3_ecom" in each.filename]
    assert not [str(each.message) for each in traced]
    assert not [record for record in caplog.records if record.name == "root"]
