"""Rules of the user's own, by FILE.py:NAME or MODULE:NAME: a policy, or what makes one for a task."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sb3_ecom.cli.arguments import import_packages
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.task import Task

_PROBE = 13  # observations that a rule is tried on; no action is that long
_MAKERS, _POLICIES = ("task",), ("observation", "observations", "obs")


class UserRule:
    """Makes the user's rule for a task; says on stderr what the function was taken for.

    Args:
        text: FILE.py:NAME or MODULE:NAME.
        function: ``make(task) -> policy``, or a policy itself: of a batch, (n, d) observations to (n, ...)
            actions, or of a single (d,) observation.
    """

    def __init__(self, text: str, function: Callable[..., Any]) -> None:
        self.text = text
        self.__name__ = text
        self._function = function
        self._said = False

    def __call__(self, task: Task) -> Callable[[Array], Array]:
        """Return a fresh policy for batches.

        Raises:
            ValueError: if the function takes no observation and makes no policy, or its actions do not fit.
        """
        observations = StepLoop(task, _PROBE).reset(0)
        makes = self._makes(task)
        policy = self._function(task) if makes else self._function
        one_by_one = self._acts_one_by_one(policy, task, observations)
        if makes:
            policy = self._function(task)  # afresh: it may remember the observations it was tried on
        self._say(makes, one_by_one)
        return _batched(policy) if one_by_one else policy

    def _makes(self, task: Task) -> bool:
        """Return whether the function makes a policy: by its argument's name, else by what it returns."""
        first = next(iter(_needed(self._function)), "")
        if inspect.isclass(self._function) or first in _MAKERS:
            made = self._function(task)
            if not callable(made):
                raise ValueError(f"{self.text}: make(task) must return a policy, got {type(made).__name__}")
            return True
        if first in _POLICIES:
            return False
        try:
            return callable(self._function(task))
        except Exception:  # a policy does anything with what is no observation
            return False

    def _acts_one_by_one(self, policy: Callable[[Array], Any], task: Task, observations: Array) -> bool:
        wrong = ""
        for one_by_one in (False, True):
            try:
                actions = np.asarray((_batched(policy) if one_by_one else policy)(observations))
            except Exception as error:
                wrong = wrong or f"{type(error).__name__}: {error}"
                continue
            if _fits(actions, task):
                return one_by_one
            wrong = wrong or f"it returned an array {actions.shape} for observations {observations.shape}"
        raise ValueError(
            f"{self.text} must be policy(observation) -> action or make(task) -> policy; its actions must "
            f"fit {task.action_space}; {wrong}"
        )

    def _say(self, makes: bool, one_by_one: bool) -> None:
        if self._said:
            return
        self._said = True
        taken = "make(task) -> policy" if makes else "policy(observation) -> action"
        called = "one observation at a time (slow)" if one_by_one else "a batch of observations (n, d)"
        print(f"{self.text} is taken as {taken}, called with {called}", file=sys.stderr)


def find_rule(text: str) -> str | UserRule:
    """Return a baseline's name as it stands, and FILE.py:NAME or MODULE:NAME as the rule it names.

    Raises:
        ValueError: if the module or the function can not be found.
    """
    module, colon, name = text.rpartition(":")
    if not colon:
        return text
    function = getattr(_load_module(module), name, None)
    if not callable(function):
        raise ValueError(f"{text!r} names no function: {module} has no {name}")
    return UserRule(text, function)


def _load_module(name: str) -> ModuleType:
    if not name.endswith(".py"):
        import_packages([name])
        return sys.modules[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"no file {name} in {Path.cwd()}")
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None and found.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(found)
    sys.modules.setdefault(path.stem, module)
    try:
        found.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{name} does not run: {type(error).__name__}: {error}") from error
    return module


def _needed(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that must be given."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        each.name for each in parameters if each.default is each.empty and each.kind < each.VAR_POSITIONAL
    ]


def _batched(policy: Callable[[Array], Any]) -> Callable[[Array], Array]:
    return lambda observations: np.stack([np.asarray(policy(each)) for each in observations])


def _fits(actions: Array, task: Task) -> bool:
    """Return whether actions are a batch: of the task's own shape, or whole item ids, as baselines give."""
    shape = tuple(task.action_space.shape or ())
    if actions.shape[:1] != (_PROBE,) or actions.dtype.kind not in "fiub":
        return False
    return actions.shape[1:] == shape or (actions.dtype.kind in "iu" and actions.ndim == 2)
