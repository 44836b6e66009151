"""Sections of task docstrings and fields of parameter classes, as the pages of environments show them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from typing import Any, NamedTuple

SECTIONS = ("Observation", "Action", "Reward", "Episode", "Source", "Versions")
_HEADING = re.compile(rf"^({'|'.join((*SECTIONS, 'Raises', 'Args', 'Attributes'))}):\s*(.*)$")


class Argument(NamedTuple):
    """One keyword argument of an environment."""

    name: str
    default: str
    meaning: str
    bounds: str = ""  # as the error of a value far outside states them


def split_docstring(kind: type) -> tuple[str, dict[str, str]]:
    """Return the introduction and the sections of a class's docstring."""
    introduction: list[str] = []
    sections: dict[str, list[str]] = {}
    current = introduction
    for line in inspect.cleandoc(kind.__doc__ or "").splitlines():
        found = _HEADING.match(line)
        if found:
            current = sections.setdefault(found[1], [])
            current.append(found[2])
        else:
            current.append(line)
    return _markdown(introduction), {name: _markdown(lines) for name, lines in sections.items()}


def _markdown(lines: list[str]) -> str:
    """Return docstring lines as MyST: double backticks become single ones."""
    first, rest = lines[:1], textwrap.dedent("\n".join(lines[1:]))
    text = "\n".join([*first, rest]).strip()
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return text.replace("*", "\\*").replace("<", "&lt;")


def arguments_of(make_task: Any, task: Any) -> list[Argument]:
    """Return the arguments of `gymnasium.make`: those of the factory, then the fields of the parameters."""
    found: dict[str, Argument] = {}
    signature = inspect.signature(make_task)
    documented = _documented(make_task)
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        default = "required" if parameter.default is parameter.empty else repr(parameter.default)
        meaning = documented.get(name, _COMMON.get(name, ""))
        found[name] = Argument(name, default, meaning)
    params = getattr(task, "params", None)
    for argument in _fields(params):
        known = found.get(argument.name)
        if known is None or not known.meaning:
            found[argument.name] = argument if known is None else known._replace(meaning=argument.meaning)
    return [argument._replace(bounds=_bounds(params, argument.name)) for argument in found.values()]


def _bounds(params: Any, name: str) -> str:
    """Return what the parameters' own check says of values far outside."""
    value = getattr(params, name, None)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    said = []
    for wrong in (type(value)(-(10**300)), type(value)(10**300)):
        try:
            dataclasses.replace(params, **{name: wrong})
        except Exception as error:
            stated = re.search(rf"{name} must be (?:a whole number )?(.*?), got", str(error))
            said += [stated[1]] if stated else []
    return " and ".join(dict.fromkeys(said))


_COMMON = {
    "reward_weights": "reward term -> weight; the reward is the weighted sum of the terms",
    "preset": "name of a shipped preset, or a TOML file that `sb3_ecom calibrate` wrote",
}


def _documented(make_task: Any) -> dict[str, str]:
    """Return name -> meaning from an `Args:` section."""
    target = getattr(make_task, "func", make_task)
    text = inspect.cleandoc(target.__doc__ or "")
    found = re.search(r"^Args:\n((?:    .*\n?)+)", text, re.MULTILINE)
    if found is None:
        return {}
    pairs = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", found[1], re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in pairs}


def _fields(params: Any) -> list[Argument]:
    """Return the fields of a dataclass with the comments that stand beside them."""
    if not dataclasses.is_dataclass(params):
        return []
    comments: dict[str, str] = {}
    for kind in reversed(type(params).__mro__[:-1]):
        comments |= _comments(kind)
    found = []
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        if isinstance(value, (bool, int, float, str)) or value is None:
            found.append(Argument(field.name, repr(value), comments.get(field.name, "")))
        elif isinstance(value, tuple) and len(value) <= 12:
            found.append(Argument(field.name, repr(value), comments.get(field.name, "")))
    return found


def _comments(kind: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    lines = source.splitlines()
    found = {}
    (body,) = ast.parse(source).body
    for node in getattr(body, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            line = lines[node.end_lineno - 1] if node.end_lineno else ""
            _, sign, comment = line.partition("  # ")
            if sign:
                found[node.target.id] = comment.strip()
    return found


def first_line(thing: Any) -> str:
    """Return the first sentence of a docstring, for tables; a lambda's is that of what it calls."""
    target = getattr(thing, "func", thing)
    text = inspect.getdoc(target) or _called(target)
    return text.partition("\n")[0].replace("|", "\\|").replace("*", "\\*")


def _called(target: Any) -> str:
    """Return the docstring of the function that made a maker, or else of the last one that it names."""
    target = getattr(target, "__wrapped__", target)
    if not inspect.isfunction(target):
        return inspect.getdoc(target) or ""
    if target.__doc__:
        return inspect.getdoc(target) or ""
    maker, inside, _ = target.__qualname__.partition(".<locals>")
    if inside and inspect.getdoc(target.__globals__.get(maker)):
        return inspect.getdoc(target.__globals__[maker]) or ""
    names = (*target.__code__.co_names, *target.__code__.co_freevars)
    known = {**target.__globals__, **inspect.getclosurevars(target).nonlocals}
    things = [known[name] for name in names if name in known]
    things += [getattr(thing, name, None) for thing in things for name in names]
    ours = [each for each in things if str(getattr(each, "__module__", "")).startswith("sb3_ecom")]
    functions = [inspect.getdoc(each) for each in ours if _is_function(each)]
    classes = [inspect.getdoc(each) for each in ours if inspect.isclass(each)]
    return next((text for text in (*reversed(functions), *classes) if text), "")


def _is_function(thing: Any) -> bool:
    return callable(thing) and inspect.isfunction(inspect.unwrap(thing))
