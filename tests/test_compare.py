"""`sb3-ecom compare` pairs a model with baselines, rules of the user's own and other models."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from stable_baselines3 import PPO

import sb3_ecom
from sb3_ecom.__main__ import main
from sb3_ecom.cli import models
from sb3_ecom.cli.rules import find_rule
from sb3_ecom.core.registry import spec
from sb3_ecom.sb3 import make_vec_env
from tests.toy import register_toys

register_toys()
TOY = "EcomToy-v0"
RULES = """
import numpy as np
calls = []

def policy(observation):
    return np.full((len(observation), 2), 0.25, np.float32)

def make(task):
    calls.append(task)
    return lambda seen: np.full((len(seen), 2), 0.25, np.float32)

def unnamed(given):
    return lambda seen: np.full((len(seen), 2), 0.25, np.float32)

def single(obs):
    assert obs.ndim == 1
    return [0.25, 0.25]

class Rule:
    def __init__(self, task):
        self.steps = 0

    def __call__(self, seen):
        self.steps += 1
        return np.full((len(seen), 2), 0.25 if self.steps < 50 else -1.0, np.float32)

def wrong(observation):
    return np.zeros((len(observation), 3))

def broken(observation):
    raise RuntimeError("no idea")

number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my rules").mkdir()
    (tmp_path / "my rules" / "mine.py").write_text(RULES)
    for seed in (1, 2):
        model = PPO("MlpPolicy", make_vec_env(TOY, 2, seed=seed), n_steps=16, batch_size=32, seed=seed)
        model.learn(32).save(tmp_path / f"ppo{seed}.zip")
    return tmp_path


@pytest.fixture
def compare(capsys):
    def call(*arguments):
        code = main(["compare", TOY, "--episodes", "60", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def model_returns(name, seeds=(0,)):
    model = PPO.load(name)
    return np.concatenate([sb3_ecom.evaluate(TOY, model, episodes=60, seed=seed).returns for seed in seeds])


def test_differences_are_paired_with_intervals(folder, compare):
    arguments = ("--model", "ppo1.zip", "--against", "middle", "random", "--seeds", "0", "5")
    found = json.loads(compare(*arguments, "--json")[1])
    own = model_returns("ppo1.zip", (0, 5))
    middle = [sb3_ecom.evaluate(TOY, "middle", episodes=60, seed=seed).returns for seed in (0, 5)]
    gain = own - np.concatenate(middle)
    row = found["against"][0]
    assert found["model"]["return"] == pytest.approx(own.mean())
    assert row["difference"] == pytest.approx(gain.mean())
    assert row["difference_stderr"] == pytest.approx(gain.std(ddof=1) / np.sqrt(120))
    low, high = row["difference_interval"]
    assert low < gain.mean() < high
    assert row["better"] == (low > 0)
    out = compare(*arguments)[1]
    assert "from middle is shown" in out or "than middle:" in out
    assert "120 common episodes" in out


def test_several_trainings_widen_the_interval(folder, compare):
    both = json.loads(compare("--model", "ppo1.zip", "ppo2.zip", "--against", "middle", "--json")[1])
    table = np.stack([model_returns("ppo1.zip"), model_returns("ppo2.zip")])
    assert both["model"]["return"] == pytest.approx(table.mean())
    middle = sb3_ecom.evaluate(TOY, "middle", episodes=60).returns
    expected = sb3_ecom.core.statistics.difference(table, middle)
    assert both["against"][0]["difference_interval"] == pytest.approx([expected.low, expected.high])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("policy", "policy(observation) -> action, called with a batch"),
        ("single", "policy(observation) -> action, called with one observation at a time"),
        ("make", "make(task) -> policy, called with a batch"),
        ("unnamed", "make(task) -> policy, called with a batch"),
    ],
)
def test_a_rule_of_one_s_own_is_a_policy_or_makes_one(folder, compare, name, said):
    path = f"my rules/mine.py:{name}"
    code, out, err = compare("--model", "ppo1.zip", "--against", path, "--json")
    assert code == 0
    assert f"{path} is taken as {said}" in err
    constant = sb3_ecom.evaluate(TOY, lambda seen: np.full((len(seen), 2), 0.25, np.float32), episodes=60)
    assert json.loads(out)["against"][0]["return"] == pytest.approx(constant.mean)


def test_a_rule_with_a_memory_begins_afresh(folder):
    rule = find_rule(str(folder / "my rules/mine.py:Rule"))
    assert rule(spec(TOY).make_task()).steps == 0


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("my rules/mine.py:wrong", "must fit Box(-1.0, 1.0, (2,), float32); it returned an array (13, 3)"),
        ("my rules/mine.py:broken", "RuntimeError: no idea"),
        ("my rules/mine.py:number", "names no function"),
        ("absent.py:policy", "no file absent.py in"),
        (
            "nobody",
            "must name one of random, middle, informed, FILE.py:policy or a model's",
        ),
    ],
)
def test_what_is_no_policy_is_named(folder, compare, against, message):
    code, out, err = compare("--model", "ppo1.zip", "--against", against)
    assert (code, out) == (2, "")
    assert message in err


def test_wrong_options_are_named(folder, compare):
    assert "--against must name a policy" in compare("--model", "ppo1.zip")[2]
    arguments = ("--model", "ppo1.zip", "--against", "middle")
    assert "--seeds must differ, got 1 1" in compare(*arguments, "--seeds", "1", "1")[2]
    assert "--episodes must be >= 2" in compare(*arguments, "--episodes", "1")[2]
    assert "no model file" in compare("--model", "absent", "--against", "middle")[2]


def test_a_model_meets_itself_without_a_difference(folder, compare):
    shutil.copy("ppo1.zip", "same.zip")
    found = json.loads(compare("--model", "ppo1.zip", "--against", "same", "--json")[1])
    assert found["against"][0]["difference"] == 0
    assert "No difference from same is shown" in compare("--model", "ppo1.zip", "--against", "same")[1]


def test_an_exported_folder_is_compared_on_its_own_shop_only(tmp_path, monkeypatch, capsys):
    import gymnasium as gym

    from sb3_ecom.sb3.export import export

    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    PPO("MlpPolicy", gym.make("EcomRec-v0"), n_steps=64, seed=0).save("ppo.zip")
    export("ppo.zip", "policy", "EcomRec-v0", checked=64)
    command = ("compare", "EcomRec-v0", "--episodes", "10", "--against", "ppo.zip", "--model", "policy")
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["against"][0]["difference"] == pytest.approx(0, abs=1e-9)
    assert main([*command, "--env-kwargs", "slate_size:4"]) == 2
    assert "was trained with" in capsys.readouterr().err
    assert main(["compare", "EcomRecSlate-v0", "--model", "policy", "--against", "random"]) == 2
    assert "is a policy of EcomRec-v0, not of EcomRecSlate-v0" in capsys.readouterr().err


class Tuned:
    """A baseline that would be searched for, and the constants of two horizons."""

    def __call__(self, task):
        raise AssertionError("no search is allowed here")

    def fits(self, task, constants):
        return constants["horizon"] == task.horizon

    def from_constants(self, task, constants):
        return lambda seen: np.full((len(seen), 2), constants["value"], np.float32)


def test_the_rule_under_a_model_is_not_tuned_again(monkeypatch):
    entry = SimpleNamespace(baselines={"tuned": Tuned(), "middle": spec(TOY).baselines["middle"]})
    monkeypatch.setattr(models, "spec", lambda env_id: entry)
    settings = SimpleNamespace(rule="tuned", constants={"value": 0.25, "horizon": 7})
    model = SimpleNamespace(settings=settings)
    (found,) = models.tuned_rules(model, TOY, {"horizon": 7}).values()
    assert (found.make(None)(np.zeros((3, 14))) == 0.25).all()
    assert models.tuned_rules(model, TOY, {"horizon": 8}) == {}
    assert models.tuned_rules(SimpleNamespace(), TOY, {}) == {}
    rows = SimpleNamespace(rows=model)
    assert list(models.tuned_rules(rows, TOY, {"horizon": 7})) == ["tuned"]


def test_a_scale_does_not_wait_for_a_search(capsys):
    command = ("evaluate", "EcomInventory-v0", "--baseline", "random", "--episodes", "4", "--env-kwargs")
    assert main([*command, "num_items:2", "horizon:20"]) == 0
    assert "1 = bound" in capsys.readouterr().out
    unbounded = ("num_items:2", "horizon:20", "reward_weights:{'margin': 1.0, 'lines': -1.0}")
    assert main([*command, *unbounded]) == 0
    assert "no score: its best baseline forecast_refined must be tuned" in capsys.readouterr().out
