"""The command that trained a run, from what rl-zoo kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_OPTIONS = ("algo", "env", "seed", "n_timesteps")  # that tell a run


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads the lists in rl-zoo's `args.yml`, and runs none of the code that its tags name."""


def _plain(loader: Any, _: str, node: Any) -> Any:
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


_PlainLoader.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def training_command(run: Path, env_id: str) -> str:
    """Return the command that trained a run of rl-zoo; "" where it kept none.

    Args:
        run: its folder, or a model's zip in it.
        env_id: id that was trained on.
    """
    path = (run if run.is_dir() else run.parent) / env_id / "args.yml"
    if not path.is_file():
        return ""
    (pairs,) = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    given = {name: value for name, value in pairs if value not in (None, -1, "", False)}
    words = [f"--{name.replace('_', '-')} {given[name]}" for name in _OPTIONS if name in given]
    kwargs = given.get("env_kwargs") or {}
    words += ["--env-kwargs", *(f'"{name}:{value!r}"' for name, value in kwargs.items())] if kwargs else []
    return f"python -m rl_zoo3.train {' '.join(words)}"
