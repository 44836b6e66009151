"""Records the environment of a saved model, so that it is not used in another one unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

#: Arguments that change neither what an observation means nor what an action does.
_IRRELEVANT = frozenset(
    {"horizon", "reward_weights", "preset", "source", "category_names", "max_episode_steps"}
)
_SHOWN = 40  # characters of a value that stands in a message as it is; longer ones are hashed


class Origin(NamedTuple):
    """An environment: its id, and every parameter by name as a short text, arrays as a hash.

    Parameters of a preset are among them, so a preset is known by its content and not by its name.
    """

    env_id: str
    parameters: Mapping[str, str]


class OriginBox(spaces.Box):
    """A Box that knows where its observations come from.

    Two of them are equal only if they come from the same environment; one without an origin (of a file
    saved by an earlier version, or of a task that was built by hand) fits any. To go on training in another
    environment on purpose, clear it: ``venv.observation_space.origin = None``.

    Attributes:
        origin: the environment, or None.
        settings: what a VecEnv wrapper of ours made of its observations and actions, or None.
    """

    origin: Origin | None = None
    settings: Any = None
    _named: tuple[str, ...] = ()  # what differed when it was last compared

    def __eq__(self, other: object) -> bool:
        """Compare bounds, origins and settings; what differs is named by both sides' `repr`."""
        if not super().__eq__(other):
            return False
        found = _differences(self, other)
        if found:
            self._named = tuple(mine for mine, _ in found.values())
            if isinstance(other, OriginBox):
                other._named = tuple(theirs for _, theirs in found.values())
        return not found

    __hash__ = None  # type: ignore[assignment]  # as Box's

    def __repr__(self) -> str:
        """Show the bounds, and what differed in the last comparison."""
        return f"{super().__repr__()}{self._difference()}"

    def _difference(self) -> str:
        return f" of {', '.join(self._named)}" if self._named else ""

    def __getstate__(self) -> dict[str, Any]:
        """Leave the last comparison out of files."""
        return {name: value for name, value in self.__dict__.items() if name != "_named"}


def origin_of(env_id: str, task: Any, kwargs: Mapping[str, Any]) -> Origin:
    """Return the origin of a task that was built with `kwargs`."""
    found: dict[str, str] = {}
    for part in ("params", "large"):
        _add(found, "", getattr(task, part, None))
    named = {name.rpartition(".")[2] for name in found}
    for name, value in kwargs.items():
        if name not in named | _IRRELEVANT and value is not None:
            found[name] = _text(value)
    if getattr(task, "action", None) is not None:
        found["action"] = _text(task.action)
    return Origin(env_id, found)


def mark_origin(task: Any, origin: Origin) -> None:
    """Give a task's observation space its origin; a plain Box becomes an `OriginBox`."""
    space = task.observation_space
    if isinstance(space, OriginBox):
        space = copy(space)
    elif type(space) is spaces.Box:
        space = OriginBox(space.low, space.high, dtype=space.dtype)
    else:
        return
    space.origin = origin
    task.observation_space = space


def _differences(mine: object, other: object) -> dict[str, tuple[str, str]]:
    """Return name -> what stands in either space, for all in which origins or settings differ."""
    found: dict[str, tuple[str, str]] = {}
    one, two = getattr(mine, "origin", None), getattr(other, "origin", None)
    if one is not None and two is not None:
        if one.env_id != two.env_id:
            found["env_id"] = (one.env_id, two.env_id)
        else:
            for name in sorted({*one.parameters, *two.parameters}):
                pair = (one.parameters.get(name, "default"), two.parameters.get(name, "default"))
                if pair[0] != pair[1]:
                    found[name] = (f"{name}={pair[0]}", f"{name}={pair[1]}")
    ours, theirs = getattr(mine, "settings", None), getattr(other, "settings", None)
    if ours is not None and theirs is not None and ours != theirs:
        if type(ours) is not type(theirs):
            return {**found, "settings": (type(ours).__name__, type(theirs).__name__)}
        for name, a, b in zip(ours._fields, ours, theirs, strict=True):
            # A model of an earlier version keeps no constants of its rule.
            if a != b and not (name == "constants" and None in (a, b)):
                found[name] = (f"{name}={_text(a)}", f"{name}={_text(b)}")
    return found


def check_origin(what: str, theirs: object, ours: object) -> None:
    """Say how the environment of a model differs from the one in which it is to act.

    Raises:
        ValueError: if it does.
    """
    found = _differences(theirs, ours)
    if found:
        trained = ", ".join(mine for mine, _ in found.values())
        here = ", ".join(other for _, other in found.values())
        raise ValueError(f"{what} was trained with {trained}, but this environment has {here}")


def _add(found: dict[str, str], prefix: str, params: Any) -> None:
    if not is_dataclass(params):
        return
    for field in fields(params):
        value = getattr(params, field.name)
        if is_dataclass(value):
            _add(found, f"{prefix}{field.name}.", value)
        elif field.name not in _IRRELEVANT:
            found[f"{prefix}{field.name}"] = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        content = np.ascontiguousarray(value)
        return f"<{hashlib.sha256(content.tobytes() + str(content.shape).encode()).hexdigest()[:10]}>"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"<{hashlib.sha256(text.encode()).hexdigest()[:10]}>"
