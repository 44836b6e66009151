"""What several commands ask and print in the same way."""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sb3_ecom.core.registry import Spec, spec


def add_env_arguments(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    """Add the id, `--env-kwargs` and `--gym-packages`, in rl-zoo's dialect."""
    parser.add_argument("env", metavar="ID", nargs=nargs, help="an id that `sb3-ecom envs` lists")
    add_kwargs_arguments(parser)


def add_kwargs_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--preset`, `--env-kwargs` and `--gym-packages`; `read_env_kwargs` reads the first two."""
    parser.add_argument(
        "--preset", metavar="FILE", help="the shop: as --env-kwargs preset:FILE (default: the id's own)"
    )
    parser.add_argument(
        "--env-kwargs",
        nargs="+",
        default=[],
        metavar="KEY:VALUE",
        help="as for gymnasium.make(ID, KEY=VALUE) (default: none)",
    )
    parser.add_argument(
        "--gym-packages",
        nargs="+",
        default=[],
        metavar="MODULE",
        help="modules to import first: your own ids, policies or extractors (default: none)",
    )


def read_env_kwargs(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the environment that `--env-kwargs` and `--preset` give.

    Raises:
        ValueError: on a pair without a colon.
    """
    kwargs = parse_env_kwargs(options.env_kwargs)
    return kwargs if options.preset is None else {**kwargs, "preset": options.preset}


def import_packages(names: Sequence[str]) -> None:
    """Import the user's modules, from the current folder too.

    Raises:
        ValueError: if one can not be imported.
    """
    if names and "" not in sys.path:
        sys.path.insert(0, "")
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            raise ValueError(f"module {name!r} can not be imported: {error}") from error


def parse_env_kwargs(pairs: Sequence[str]) -> dict[str, Any]:
    """Return KEY:VALUE pairs as a dict; a value is a Python literal, or else text.

    Raises:
        ValueError: on a pair without a colon.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, colon, text = pair.partition(":")
        if not colon or not key.isidentifier():
            raise ValueError(f"--env-kwargs must be KEY:VALUE pairs, got {pair!r}")
        try:
            found[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[key] = text
    return found


def find_spec(env_id: str, kwargs: dict[str, Any]) -> Spec:
    """Return the Spec of an id that takes these keyword arguments.

    Raises:
        ValueError: on an unknown id or an argument that its task does not take.
    """
    entry = spec(env_id)
    try:
        inspect.signature(entry.make_task).bind(**kwargs)
        if kwargs:  # what it hands on is checked by the task itself
            entry.make_task(**kwargs)
    except TypeError as error:
        known = ", ".join(inspect.signature(entry.make_task).parameters)
        raise ValueError(f"--env-kwargs of {env_id}: {error}; known: {known}") from error
    return entry
