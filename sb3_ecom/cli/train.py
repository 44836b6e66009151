"""`train`: rl-zoo's training script on a preset of one's own, with our settings and batched stepping."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from sb3_ecom.cli.arguments import find_spec, import_packages, parse_env_kwargs
from sb3_ecom.core.registry import specs
from sb3_ecom.core.zoo_configs import zoo_configs

_HELP = """usage: sb3-ecom train --env ID [--preset FILE] [--algo ALGO] [options of rl_zoo3.train, see below]

Train a model with rl-zoo: `rl_zoo3.train` with our settings for the id and all copies stepped as one batch.

  --preset FILE   train on this shop, as --env-kwargs "preset:'FILE'" without quotes (default: the id's own)
  --algo ALGO     rl-zoo's, or ppo_device and a2c_device, which never leave the device (default: ppo)
  -conf FILE      settings (default: ours for ALGO and the id, see `sb3-ecom zoo-config`)
  --vec-env KIND  dummy or subproc step copies one by one (default: all copies as one batch)

example: sb3-ecom train --env EcomRec-v0 --preset my_shop.toml -n 1000000 --seed 1
"""


def train(arguments: Sequence[str]) -> None:
    """Train as rl-zoo's script does, and print what to type next.

    Args:
        arguments: of `rl_zoo3.train`, and `--preset FILE`. Text in KEY:VALUE pairs needs no quotes.

    Raises:
        ValueError: on a wrong preset, algorithm or argument of the environment.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP, flush=True)
    own, rest = _parser().parse_known_args(list(arguments))
    device = importlib.import_module("sb3_ecom.sb3.device.train")
    zoo = importlib.import_module("sb3_ecom.sb3.zoo_arguments")
    if own.env is None and not {"-h", "--help"} & set(arguments):
        raise ValueError("--env must name an id that `sb3-ecom envs` lists")
    import_packages(own.gym_packages)
    rest = zoo.quote_pairs(rest, own.preset)
    pairs = zoo.read_pairs(rest)
    if own.env in specs():
        find_spec(own.env, parse_env_kwargs(pairs))
    on_device = own.algo in device.ALGORITHMS
    if own.conf is None and not on_device:
        rest += _our_settings(own.algo, own.env)
    rest += ["--algo", own.algo, *([] if own.env is None else ["--env", own.env])]
    rest += [] if own.conf is None else ["-conf", own.conf]
    rest += ["--gym-packages", *own.gym_packages] if own.gym_packages else []
    rest += [] if own.vec_env is None else ["--vec-env", own.vec_env]
    folder = device.train(rest) if on_device else _train_on_host(rest, batched=own.vec_env is None)
    if folder is not None:
        print("next:", *_next_commands(own.env, pairs, folder), sep="\n  ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sb3-ecom train", add_help=False, allow_abbrev=False)
    parser.add_argument("--preset")
    parser.add_argument("--algo", default="ppo")
    parser.add_argument("--env")
    parser.add_argument("-conf", "--conf-file", dest="conf")
    parser.add_argument("--vec-env")
    parser.add_argument("--gym-packages", nargs="+", default=[])
    return parser


def _our_settings(algo: str, env_id: str | None) -> list[str]:
    """Return the option that names our settings, where we have some of the algorithm and the id."""
    path = zoo_configs().get(algo)
    if path is None or env_id not in yaml.safe_load(path.read_text(encoding="utf-8")):
        return []
    return ["-conf", str(path)]


def _train_on_host(arguments: list[str], batched: bool) -> Path | None:
    """Run rl-zoo's script; return the run folder, None where no model was trained."""
    from rl_zoo3.exp_manager import ExperimentManager

    from sb3_ecom.sb3.zoo import batched_vec_env

    script = importlib.import_module("rl_zoo3.train")
    folders: list[Path] = []

    class Experiments(ExperimentManager):  # type: ignore[misc]
        """rl-zoo's, and it says where the model is."""

        default_vec_env_cls: Any = (
            staticmethod(batched_vec_env) if batched else ExperimentManager.default_vec_env_cls
        )

        def save_trained_model(self, model: Any) -> None:
            super().save_trained_model(model)
            folders.append(Path(self.save_path))

    with (
        patch.object(sys, "argv", ["sb3_ecom train", *arguments]),
        patch.object(script, "ExperimentManager", Experiments),
    ):
        script.train()
    return folders[0] if folders else None


def _next_commands(env_id: str, pairs: Sequence[str], folder: Path) -> list[str]:
    kwargs = parse_env_kwargs(pairs)
    preset = ["--preset", str(kwargs.pop("preset"))] if "preset" in kwargs else []
    more = ["--env-kwargs", *(f"{key}:{value!r}" for key, value in kwargs.items())] if kwargs else []
    run = str(folder)
    commands = (
        ["evaluate", env_id, *preset, "--model", run, *more],
        ["explain", run, *preset, "--out", "why/", *more],
        ["export", run, *preset, "--out", "policy/", *more],
    )
    return [shlex.join(["python", "-m", "sb3_ecom", *command]) for command in commands]
