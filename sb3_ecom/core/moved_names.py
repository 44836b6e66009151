"""Old dotted names of modules and classes that a pickle, an SB3 zip or a yml may still hold.

`install` makes ``import old.module`` and ``old.module.OldName`` give what now stands at the new place, with a
DeprecationWarning. Nothing is imported before somebody asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from sb3_ecom.core.old_names import ATTRIBUTES, MODULES

_OWNERS = {*(name for name in MODULES if "*" not in name), *(name.rpartition(".")[0] for name in ATTRIBUTES)}


def install() -> None:
    """Let the import system find the old names; a second call changes nothing."""
    if any(isinstance(finder, _OldModules) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _OldAttributes())
    sys.meta_path.append(_OldModules())  # last: a module that is there wins
    for name in _OWNERS & set(sys.modules):
        _attach(sys.modules[name])


def renamed_argument(old: str, given: Any, new: str, value: Any) -> Any:
    """Return the value of the argument `new`; one that was `given` by its `old` name counts, and warns."""
    if given is None:
        return value
    warnings.warn(f"{old} is now called {new}", DeprecationWarning, stacklevel=3)
    return given


def _new_module(old: str) -> str | None:
    """Return where an old module is now: "" where it was a mere folder, None where it is unknown."""
    if old in MODULES:
        return MODULES[old]
    folder, _, last = old.rpartition(".")
    pattern = MODULES.get(f"{folder}.*")
    return None if pattern is None else pattern.replace("*", last)


def old_modules() -> Iterator[tuple[str, str]]:
    """Yield (old, new) of the modules that are listed one by one."""
    return ((old, new) for old, new in MODULES.items() if new and "*" not in old)


def _find(module: str, name: str) -> Any:
    """Return what the attribute `name` of the old `module` is now; warn.

    Raises:
        AttributeError: if nothing of that name has moved.
    """
    new = ATTRIBUTES.get(f"{module}.{name}")
    target = _new_module(module)
    if name.startswith("__") or (new is None and not target):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    owner, _, attribute = (new or f"{target}.{name}").rpartition(".")
    found = getattr(importlib.import_module(owner), attribute, None)
    if found is None or isinstance(found, ModuleType):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    message = f"{module}.{name} is now {owner}.{attribute}; the old name will go"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return found


def _attach(module: ModuleType) -> None:
    """Have a module find its own old attributes where it finds none itself."""
    own = module.__dict__.get("__getattr__")

    def find(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        return _find(module.__name__, name)

    module.__dict__["__getattr__"] = find


class _OldAttributes(MetaPathFinder):
    """Attaches the old attributes to modules that are still there, when they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's own spec, or None where this is none of ours."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _OWNERS else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_attach(module: ModuleType) -> None:
            execute(module)
            _attach(module)

        spec.loader.exec_module = execute_and_attach  # type: ignore[method-assign]
        return spec


class _OldModules(MetaPathFinder, Loader):
    """Stands in for modules that moved."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec of an empty module for an old name; None for any other."""
        new = _new_module(fullname)
        if new is None or (new and importlib.util.find_spec(new) is None):
            return None
        return ModuleSpec(fullname, self, is_package=True)  # a package: old submodules are looked for too

    def exec_module(self, module: ModuleType) -> None:
        """Give the stand-in the attributes of the new module."""
        _attach(module)
