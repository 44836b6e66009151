"""The commands from a trained model to a judged log, as a user types them."""

import json
from contextlib import closing

import gymnasium as gym
import pytest
from stable_baselines3 import PPO

from sb3_ecom.__main__ import main
from sb3_ecom.core.registry import spec
from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.rehearsal import rehearse
from sb3_ecom.live.service import Service
from sb3_ecom.sb3.export import export


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a run of rl-zoo's shape, its export and a log that the export served."""
    root = tmp_path_factory.mktemp("shop")
    run = root / "logs" / "ppo" / "EcomRec-v0_1"
    run.mkdir(parents=True)
    PPO("MlpPolicy", gym.make("EcomRec-v0"), n_steps=64, seed=0).save(run / "EcomRec-v0.zip")
    assert main(["export", str(run), "--out", str(root / "policy"), "--checked", "256", "--trust"]) == 0
    shop = Recommender.load(root / "policy", explore="plackett-luce:1", log=root / "decisions", seed=0)
    rehearse(shop, spec("EcomRec-v0").make_task(), 60, seed=0)
    shop.close()
    return root


def test_export_says_what_it_checked_and_what_to_type_next(folder, capsys):
    run = folder / "logs" / "ppo" / "EcomRec-v0_1"
    main(["export", str(run), "--out", str(folder / "again"), "--checked", "64", "--trust"])
    said = capsys.readouterr().out
    assert "64 decisions as the model's" in said
    assert f"next: python -m sb3_ecom serve {folder / 'again'} --log decisions/" in said


def test_judge_takes_an_export_a_run_and_a_rule_alike(folder, capsys):
    found = {}
    for name, what in (
        ("export", ["--model", str(folder / "policy")]),
        ("run", ["--model", str(folder / "logs" / "ppo" / "EcomRec-v0_1"), "--trust"]),
        ("rule", ["--rule", "popularity"]),
    ):
        options = [*what, "--explore", "plackett-luce:1", "--json"]
        assert main(["judge", str(folder / "decisions"), *options]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert found["run"]["estimates"]["dr"] == pytest.approx(found["export"]["estimates"]["dr"], rel=1e-3)
    assert found["rule"]["estimates"]["ips"]["effective_pages"] < 60
    assert found["export"]["dr_less_logged"]["value"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("command", [["export", "--out", "x"], ["judge", "decisions", "--model"]])
def test_a_model_from_elsewhere_is_not_loaded_without_a_word(command, folder, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*command, str(folder / "logs" / "ppo" / "EcomRec-v0_1")]) == 2
    assert "loading it runs its code" in capsys.readouterr().err


def test_judge_prints_a_table(folder, capsys):
    options = ["--model", str(folder / "policy"), "--explore", "plackett-luce:1"]
    assert main(["judge", str(folder / "decisions"), *options]) == 0
    said = capsys.readouterr().out
    assert "cascade_dr" in said
    assert "60 visits; 95% intervals, clustered by visit" in said


def test_the_gate_stops_what_is_not_shown_to_be_better(folder, capsys):
    options = ["--model", str(folder / "policy"), "--explore", "plackett-luce:1"]
    assert main(["gate", str(folder / "decisions"), *options, "--min-ess", "10"]) == 1
    assert "stop: the lower limit of the difference is" in capsys.readouterr().out
    assert main(["gate", str(folder / "decisions"), *options, "--min-ess", "1e6"]) == 1
    assert "--min-ess asks for 1,000,000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["judge", "nothing.csv", "--rule", "popularity"], "nothing.csv"),
        (["judge", ".", "--rule", "popularity"], "holds no decision log"),
        (["judge", ".", "--rule", "nothing"], "a rule of EcomRec-v0 must be one of"),
        (["judge", ".", "--rule", "popularity", "--env", "EcomLostSales-v0"], "must be one of a session"),
        (["judge", ".", "--model", "nothing"], "does not say which id it was trained on"),
        (["judge", ".", "--rule", "popularity", "--explore", "some"], "exploration must be none, epsilon:E"),
        (["export", "EcomRec-v0.zip", "--out", "x"], "no model file"),
        (["serve", "."], "is no exported policy"),
    ],
)
def test_wrong_commands_are_one_line(command, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("env_id", "kind"), [("EcomAds-v0", "bids"), ("EcomLostSales-v0", "orders")])
def test_judge_gate_and_refine_say_why_they_can_not_weigh_bids_and_orders(env_id, kind, capsys, tmp_path):
    model = PPO("MlpPolicy", gym.make(env_id), n_steps=8, batch_size=8, policy_kwargs={"net_arch": [8]})
    model.save(tmp_path / "ppo.zip")
    export(tmp_path / "ppo.zip", tmp_path / "policy", env_id, checked=20)
    with closing(Service(tmp_path / "policy", log=tmp_path / "decisions")) as service:
        if kind == "bids":
            service.form.bid(service.form.open(3.0))
        else:
            service.form.orders({"1": 4}, today="2026-11-27")
    said = []
    for words in (
        ["judge", "decisions", "--model", "policy"],
        ["gate", "decisions", "--model", "policy"],
        ["judge", "decisions", "--rule", "popularity"],
        ["refine", "decisions", "--out", "shop.toml"],
    ):
        assert main([str(tmp_path / word) if (tmp_path / word).exists() else word for word in words]) == 2
        said.append(capsys.readouterr().err)
    for error in said:
        assert error.count("\n") == 1
        assert f"{kind}, not pages: they have no propensities" in error
        assert "`sb3-ecom compare`" in error
