"""KEY:VALUE options of rl-zoo: text that lacks its quotes is quoted, or the error says what to type."""

from __future__ import annotations

import argparse
import ast
import builtins
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rl_zoo3 import utils

#: rl-zoo's options whose values are KEY:VALUE pairs; it evaluates each VALUE as Python.
PAIR_OPTIONS = ("--env-kwargs", "--eval-env-kwargs", "-params", "--hyperparams")


def quote_pair(pair: str) -> str:
    """Return a KEY:VALUE pair whose value rl-zoo can evaluate: text without quotes gets them.

    ``preset:my_shop.toml`` becomes ``preset:'my_shop.toml'``; numbers, quoted text, ``dict(a=1)`` and
    whatever else is Python stay as they are.
    """
    key, _, text = pair.partition(":")
    return f"{key}:{text!r}" if lacks_quotes(pair) else pair


def lacks_quotes(pair: str) -> bool:
    """Return whether the value of a KEY:VALUE pair is text that rl-zoo would take for Python."""
    key, colon, text = pair.partition(":")
    if not colon:
        return False
    if key != "preset":
        return not _is_python(text)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):  # a path, whatever it looks like
        return True
    return False


def quote_pairs(arguments: Sequence[str], preset: str | None = None) -> list[str]:
    """Return rl-zoo's arguments with the text in `PAIR_OPTIONS` quoted, and a preset added.

    Args:
        arguments: of an rl-zoo script.
        preset: file that the environments of training and evaluation are made of, or None.
    """
    added = [] if preset is None else [f"preset:{preset!r}"]
    found: list[str] = []
    groups = list(_groups(arguments))
    for option, values in groups:
        if option in PAIR_OPTIONS:
            values = [*map(quote_pair, values), *(added if option.endswith("env-kwargs") else [])]
        found += [option, *values] if option else values
    takes_preset = any(option == "--env-kwargs" for option, _ in groups)
    return found if takes_preset or not added else [*found, "--env-kwargs", *added]


def read_pairs(arguments: Sequence[str], option: str = "--env-kwargs") -> list[str]:
    """Return the KEY:VALUE pairs of an option; of the last, as argparse does, where it stands twice."""
    found = [values for name, values in _groups(arguments) if name == option]
    return found[-1] if found else []


def _groups(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (option, values); the option is "" for values before the first one."""
    option, values = "", list[str]()
    for argument in [*arguments, "-"]:
        if not argument.startswith("-"):
            values.append(argument)
            continue
        if option or values:
            yield option, values
        name, equals, value = argument.partition("=")
        joined = bool(equals) and name in PAIR_OPTIONS
        option, values = (name, [value]) if joined else (argument, [])


def name_wrong_pairs() -> None:
    """Make rl-zoo's scripts refuse a badly quoted pair, or an absent preset, in one line."""
    store_dict: Any = utils.StoreDict
    evaluate = store_dict.__call__

    def store(
        action: Any, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None
    ) -> None:
        for pair in values:
            key, _, text = pair.partition(":")
            if lacks_quotes(pair):
                quoted = quote_pair(pair)
                typed = shlex.quote(quoted) if set(quoted) & set('"$`\\') else f'"{quoted}"'
                raise argparse.ArgumentError(action, f"{pair!r} lacks quotes: type {option} {typed}")
            if key == "preset":
                _check_file(action, text)
        evaluate(action, parser, namespace, values, option)

    store_dict.__call__ = store


def _check_file(action: Any, text: str) -> None:
    try:
        path = ast.literal_eval(text)
    except (ValueError, SyntaxError):  # an expression: the environment will say what is wrong
        return
    if isinstance(path, str) and path.endswith(".toml") and not Path(path).is_file():
        raise argparse.ArgumentError(action, f"no preset {path!r} in {Path.cwd()}: type the path of the file")


def _is_python(text: str) -> bool:
    """Return whether rl-zoo can evaluate a value: an expression of names that it knows."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    known = vars(utils).keys() | vars(builtins).keys()
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not _is_read(node)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names <= known | bound


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)
