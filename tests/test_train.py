"""`sb3-ecom train` is rl-zoo's script with our settings, and text needs no quotes."""

import argparse
import sys
from pathlib import Path

import pytest
import yaml
from rl_zoo3 import utils

from sb3_ecom.__main__ import main
from sb3_ecom.cli.arguments import find_spec
from sb3_ecom.sb3 import zoo_arguments
from sb3_ecom.sb3.zoo_arguments import quote_pair, quote_pairs, read_pairs
from tests.toy import register_toys

register_toys()
TOY = "EcomToy-v0"
YML = f"""
{TOY}:
  n_envs: 4
  n_timesteps: 64
  policy: MlpPolicy
  n_steps: 16
  batch_size: 64
"""
SHOP = Path(find_spec.__code__.co_filename).parents[1] / "envs/recommendation/session/presets/eshop.toml"


@pytest.mark.parametrize(
    ("pair", "quoted"),
    [
        ("preset:my_shop.toml", "preset:'my_shop.toml'"),
        ("preset:'my_shop.toml'", "preset:'my_shop.toml'"),
        ('preset:/a b/it\'s "one".toml', "preset:'/a b/it\\'s \"one\".toml'"),
        ("preset:max", "preset:'max'"),
        ("action:slate", "action:'slate'"),
        ("policy:sb3_ecom.sb3.LstmPolicy", "policy:'sb3_ecom.sb3.LstmPolicy'"),
        ("learning_rate:lin_3e-4", "learning_rate:'lin_3e-4'"),
        ("horizon:10", "horizon:10"),
        ("reward_weights:{'clicks': 1.0}", "reward_weights:{'clicks': 1.0}"),
        ("policy_kwargs:dict(activation_fn=nn.Tanh)", "policy_kwargs:dict(activation_fn=nn.Tanh)"),
        ("clip_range:[x for x in (1, 2)]", "clip_range:[x for x in (1, 2)]"),
    ],
)
def test_text_is_quoted_and_python_is_left_alone(pair, quoted):
    assert quote_pair(pair) == quoted


def test_rl_zoo_reads_the_preset_as_it_was_typed(tmp_path):
    parser = argparse.ArgumentParser()
    for option in ("--env-kwargs", "--eval-env-kwargs"):
        parser.add_argument(option, nargs="+", action=utils.StoreDict)
    parser.add_argument("--seed")
    path = str(tmp_path / 'it\'s: "mine".toml')
    Path(path).touch()
    found = quote_pairs(["--eval-env-kwargs", "horizon:5", "--seed", "1"], path)
    read = parser.parse_args(found)
    assert read.env_kwargs == {"preset": path}
    assert read.eval_env_kwargs == {"horizon": 5, "preset": path}
    assert read_pairs(found) == [f"preset:{path!r}"]
    assert quote_pairs(["--env-kwargs=action:slate", "--seed=1"]) == [
        *("--env-kwargs", "action:'slate'", "--seed=1"),
    ]


def test_rl_zoo_s_own_scripts_say_what_to_type(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(utils.StoreDict, "__call__", utils.StoreDict.__call__)
    monkeypatch.chdir(tmp_path)
    zoo_arguments.name_wrong_pairs()
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-kwargs", nargs="+", action=utils.StoreDict)
    for typed, answer in (
        ("preset:my_shop.toml", "lacks quotes: type --env-kwargs \"preset:'my_shop.toml'\""),
        ("preset:'my_shop.toml'", f"no preset 'my_shop.toml' in {tmp_path}"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args(["--env-kwargs", typed])
        assert answer in capsys.readouterr().err
    (tmp_path / "my_shop.toml").touch()
    assert parser.parse_args(["--env-kwargs", "preset:'my_shop.toml'"]).env_kwargs == {
        "preset": "my_shop.toml"
    }


def test_train_writes_rl_zoo_s_folder_and_says_what_comes_next(tmp_path, monkeypatch, capsys):
    (tmp_path / "toy.yml").write_text(YML)
    monkeypatch.chdir(tmp_path)
    arguments = ("--env", TOY, "-conf", "toy.yml", "--seed", "1", "--eval-freq", "-1")
    assert main(["train", *arguments, "--env-kwargs", "horizon:3"]) == 0
    saved = yaml.unsafe_load((tmp_path / f"logs/ppo/{TOY}_1/{TOY}/args.yml").read_text())
    assert saved["env_kwargs"] == {"horizon": 3}
    assert saved["conf_file"] == "toy.yml"
    last = capsys.readouterr().out.splitlines()[-4:]
    assert last[:2] == [
        "next:",
        f"  python -m sb3_ecom evaluate {TOY} --model logs/ppo/{TOY}_1 --env-kwargs horizon:3",
    ]
    assert last[3].startswith(f"  python -m sb3_ecom export logs/ppo/{TOY}_1 ")


def test_train_takes_our_settings_batched_stepping_and_a_preset_of_one_s_own(tmp_path, monkeypatch, capsys):
    from sb3_ecom.sb3 import EcomVecEnv

    seen = {}

    def setup(manager):
        seen.update(config=manager.config, env=manager.create_envs(2), kwargs=manager.env_kwargs)
        raise ValueError("seen enough")

    monkeypatch.setattr("rl_zoo3.exp_manager.ExperimentManager.setup_experiment", setup)
    monkeypatch.chdir(tmp_path)
    preset = tmp_path / "my shop's.toml"
    preset.write_bytes(SHOP.read_bytes())
    assert main(["train", "--env", "EcomRec-v0", "--preset", preset.name, "--seed", "1"]) == 2
    assert Path(seen["config"]).read_text().count("EcomRec-v0:") == 1
    assert isinstance(seen["env"].unwrapped, EcomVecEnv)
    assert seen["kwargs"] == {"preset": preset.name}
    assert main(["train", "--env", "EcomRec-v0", "--seed", "1", "--vec-env", "dummy"]) == 2
    assert not isinstance(seen["env"].unwrapped, EcomVecEnv)
    capsys.readouterr()
    assert main(["train", "--env", "EcomRec-v0", "--preset", "absent.toml"]) == 2
    error = capsys.readouterr().err
    assert "got 'absent.toml'" in error
    assert error.count("\n") == 1


def test_train_help_shows_what_is_ours_and_what_is_rl_zoo_s(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "--preset FILE" in shown
    assert "--n-timesteps" in shown
