"""Trains zoo entries with rl-zoo's own command line, once per entry and seed."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import sb3_ecom.sb3
from sb3_ecom.sb3.zoo import config_path

Entry = dict[str, Any]  # of a zoo configuration


def training_command(
    algo: str,
    env_id: str,
    *,
    folder: Path | str,
    conf: Path | None = None,
    seed: int | None = None,
    steps: int | None = None,
    native: bool = True,
    packages: Sequence[str] = (),
    verbose: int = 0,
) -> list[str]:
    """Return the command that trains one seed of an id: one thread, no evaluation on the way.

    Args:
        algo: rl-zoo's name, or `ppo_device` and the like for `sb3_ecom train`.
        env_id: a registered id.
        folder: rl-zoo's log folder.
        conf: the configuration; ours of the algorithm by default.
        seed: of the training; none leaves it to rl-zoo.
        steps: instead of the entry's.
        native: step all copies as one batch with our configuration; False is rl-zoo as it comes.
        packages: further modules to import first.
        verbose: 1 prints SB3's tables.
    """
    device = algo.endswith("_device")
    command = [sys.executable, "-m", *(("sb3_ecom", "train") if device else ("rl_zoo3.train",))]
    command += ["--algo", algo, "--env", env_id]
    modules = [*(["sb3_ecom.fast"] if native and not device else []), *packages]
    command += ["--gym-packages", *modules] if modules else []
    command += ["-conf", str(conf or config_path(algo))] if native else []
    command += [] if seed is None else ["--seed", str(seed)]
    command += [] if steps is None else ["-n", str(steps)]
    return [
        *command,
        *("-f", str(folder), "--eval-freq", "-1", "--num-threads", "1", "--verbose", str(verbose)),
    ]


def zoo_entry(algo: str, env_id: str, changes: Mapping[str, Any] | None = None) -> Entry:
    """Return an id's settings in our configuration, with some of them changed.

    Raises:
        ValueError: if the configuration has no entry of this id.
    """
    entries = yaml.safe_load(config_path(algo).read_text(encoding="utf-8"))
    if env_id not in entries:
        raise ValueError(f"zoo_configs/{algo}.yml has no entry of {env_id}")
    found = {**entries[env_id], **(changes or {})}
    kwargs = {**literal(entries[env_id].get("env_kwargs") or {}), **(changes or {}).get("env_kwargs", {})}
    if kwargs:
        found["env_kwargs"] = kwargs
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]  # tuples become lists, as in a yml


def literal(value: Any) -> Any:
    """Return a yml's text of Python as Python."""
    return ast.literal_eval(value) if isinstance(value, str) else value


def policy_path(name: str) -> str:
    """Return the dotted name of a policy class: ours by their bare name, others as they are given."""
    return f"sb3_ecom.sb3.{name}" if "." not in name and hasattr(sb3_ecom.sb3, name) else name


def entry_mark(entry: Entry) -> str:
    """Return a short mark of the settings: a model of other settings does not count as theirs."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True, default=list).encode()).hexdigest()[:8]


def model_path(folder: Path, algo: str, env_id: str, entry: Entry, seed: int) -> Path:
    """Return where the model of these settings and this seed lies, or will lie."""
    return folder / "models" / env_id / f"{algo}-{entry_mark(entry)}" / f"seed{seed}" / f"{env_id}.zip"


def train(
    folder: Path, algo: str, env_id: str, entry: Entry, seed: int, packages: Sequence[str] = ()
) -> Path:
    """Train one seed unless its model is there; return the zip.

    `run.json` beside it holds the processor seconds, `train.log` what rl-zoo printed.

    Raises:
        subprocess.CalledProcessError: if rl-zoo fails; its last words are printed.
    """
    path = model_path(folder, algo, env_id, entry, seed)
    if path.is_file():
        return path
    running = path.parent.with_name(f".seed{seed}")
    shutil.rmtree(running, ignore_errors=True)  # of a run that was broken off
    running.mkdir(parents=True)
    conf = running / "entry.yml"
    conf.write_text(yaml.safe_dump({env_id: entry}), encoding="utf-8")
    command = training_command(algo, env_id, folder=running, conf=conf, seed=seed, packages=packages)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    log = running / "train.log"
    with log.open("w", encoding="utf-8") as output:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    if done.returncode:
        print(log.read_text(encoding="utf-8")[-2000:], file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    finished = running / algo / f"{env_id}_1"
    (finished / "run.json").write_text(json.dumps({"cpu_s": round(spent, 1), "command": command}, indent=2))
    for file in (conf, log):
        file.rename(finished / file.name)
    shutil.rmtree(path.parent, ignore_errors=True)
    finished.rename(path.parent)  # only now is it there
    shutil.rmtree(running)
    return path


def cpu_seconds(path: Path) -> float:
    """Return the processor seconds that a model's training took."""
    return float(json.loads((path.parent / "run.json").read_text())["cpu_s"])
