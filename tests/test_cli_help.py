"""The help of every command names each option's default and gives an example that parses."""

import argparse
import re
import shlex

import pytest

from sb3_ecom.__main__ import _COMMANDS, _make_parser
from sb3_ecom.cli.calibrate import find_domains
from sb3_ecom.cli.train import _HELP

COMMANDS = [
    *((name,) for name in _COMMANDS if name not in ("calibrate", "train")),
    *(("calibrate", domain) for domain in find_domains()),
]
NO_DEFAULT = (argparse._HelpAction, argparse._SubParsersAction, argparse._VersionAction)


def parser_of(command):
    parser = _make_parser(command)
    for name in command:
        (inner,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = inner.choices[name]
    return parser


def options_of(parser):
    """The parser's options, and those of its own sub-commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from options_of(inner)
        elif action.option_strings and not isinstance(action, NO_DEFAULT):
            yield action


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_says_its_default(command):
    parser = parser_of(command)
    required = [
        action
        for group in parser._mutually_exclusive_groups
        if group.required
        for action in group._group_actions
    ]
    silent = [
        action.option_strings[0]
        for action in options_of(parser)
        if "default" not in (action.help or "") and not action.required and action not in required
    ]
    assert not silent


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_parses(command):
    parser = parser_of(command)
    text = f"{parser.description or ''}\n{parser.epilog or ''}"
    examples = re.findall(r"sb3-ecom ((?:[^\n]|\n(?= {4,}))*)", text)
    examples = [" ".join(line.split()) for line in examples if line.split()[0] == command[0]]
    assert examples, text
    for example in examples:
        words = shlex.split(example.partition(" && ")[0])
        assert words[: len(command)] == list(command)
        _make_parser(words).parse_args(words)


def test_train_says_its_defaults_and_gives_an_example():
    lines = [line for line in _HELP.splitlines() if line.startswith("  -")]
    assert len(lines) >= 4
    assert all("(default: " in line for line in lines)
    assert "example: sb3-ecom train --env " in _HELP
