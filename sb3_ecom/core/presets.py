"""Parameters as TOML files: one loader for the presets of every task (`preset_text` writes them).

A task says in a `Schema` which sections and keys its files hold; a key that is unknown or missing, or a value
of another kind, is an error that names the file and the field. A file may name another preset as its ``base``
and hold only what differs.

A file that was written here states the version of its form (``schema``) and a hash of its content
(``sha256``), so that one that was cut off or changed does not pass for what was written. A file without a
hash, as people write them by hand, is read like any other.
"""

from __future__ import annotations

import shlex
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from sb3_ecom.core.checks import is_number
from sb3_ecom.core.preset_text import SCHEMA_VERSION, hash_content

Kind = Literal["number", "numbers", "matrix", "text", "labels"]
Content = dict[str, dict[str, Any]]  # section -> key -> value
Made = TypeVar("Made")

_WORDS = {
    "number": "a finite number",
    "numbers": "a list of finite numbers",
    "matrix": "a list of rows of finite numbers",
    "text": "text",
    "labels": "a list of texts or whole numbers",
}
_BASE_HINT = ' (a line `base = "<preset>"` above all sections takes what is missing from another one)'
_HASH_SHOWN = 12  # digits of a hash in a message
_PARTS = {"numbers": "number", "matrix": "numbers", "labels": "label"}


@dataclass(frozen=True, kw_only=True)
class Section:
    """Keys of one section of a preset.

    Attributes:
        keys: name -> kind of value.
        optional: keys that may be absent.
        free: any further key is allowed, and none is checked: sources, standard errors.
        needed: the section must be there.
    """

    keys: Mapping[str, Kind]
    optional: frozenset[str] = frozenset()
    free: bool = False
    needed: bool = True


FREE = Section(keys={}, free=True, needed=False)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Sections of a task's presets, and the folder of those that ship.

    Attributes:
        folder: of the shipped files, ``<name>.toml``.
        sections: name -> keys.
        former: former names of keys, old -> new; read as the new ones.
        shared: sections with the same keys, each of which must stand in one of them.
    """

    folder: Path
    sections: Mapping[str, Section]
    former: Mapping[str, str]
    shared: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the shipped presets, sorted."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.toml")))

    def path(self, preset: str | Path) -> Path:
        """Return the file of a shipped preset's name, or the path itself.

        Raises:
            ValueError: if there is no such file.
        """
        path = self.folder / f"{preset}.toml" if str(preset) in self.names() else Path(preset)
        if not path.is_file():
            known = ", ".join(self.names())
            raise ValueError(f"preset must be one of {known} or the path of a TOML file, got {str(preset)!r}")
        return path


def fields_of(params: type[Any], *but: str) -> dict[str, Kind]:
    """Return the keys that a section needs to hold a parameter dataclass: field -> kind of value."""
    kinds: dict[str, Kind] = {}
    for field in fields(params):
        if field.name not in but:
            if field.type in ("int", "float", int, float):
                kinds[field.name] = "number"
            else:
                kinds[field.name] = "numbers" if str(field.type).startswith("tuple") else "text"
    return kinds


def load_preset(schema: Schema, preset: str | Path, make: Callable[[Content], Made]) -> Made:
    """Read a preset and return what `make` builds of its sections.

    Args:
        schema: of the task.
        preset: name of a shipped preset, or path of a TOML file.
        make: sections -> parameters; tuples stand for the lists of the file.

    Raises:
        ValueError: if there is no such preset, or it does not fit the schema, or `make` refuses it; names the
            file, the field, the bound and the value.
    """
    path = schema.path(preset)
    content = read_content(schema, path)
    with _naming(path):
        check_content(schema, content)
        return make(content)


def read_content(schema: Schema, path: Path, above: tuple[Path, ...] = ()) -> Content:
    """Return the sections of a file over those of its ``base``; nothing but the file's form is checked."""
    with _naming(path):
        if path in above:
            raise ValueError("base must not lead back to the file itself")
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_signature(found, path)
        base = found.pop("base", None)
        if base is not None and not isinstance(base, str):
            raise ValueError(f"base must be the name of a preset or a path, got {base!r}")
        for name, section in found.items():
            if not isinstance(section, Mapping):
                raise ValueError(f"{name} must stand in a section, known ones: {', '.join(schema.sections)}")
        parent = None if base is None else schema.path(base)
    content = {} if parent is None else read_content(schema, parent, (*above, path))
    for name, section in found.items():
        content[name] = content.get(name, {}) | _renamed(name, section, schema.former)
    return content


def _check_signature(found: dict[str, Any], path: Path) -> None:
    """Remove the schema's version and the hash from a file's content, and check them."""
    actual = hash_content(found)
    written, version = found.pop("sha256", None), found.pop("schema", SCHEMA_VERSION)
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise ValueError(f"schema must be in [1, {SCHEMA_VERSION}], got {version!r}: of a newer sb3_ecom?")
    if written is not None and written != actual:
        raise ValueError(
            f"the content does not match its hash: sha256 says {str(written)[:_HASH_SHOWN]}..., the content "
            f"has {actual[:_HASH_SHOWN]}...; the file was cut off or changed. If you changed it on purpose, "
            f"type `python -m sb3_ecom preset sign {shlex.quote(str(path))}`, or remove its line sha256"
        )


def _renamed(name: str, section: Mapping[str, Any], former: Mapping[str, str]) -> dict[str, Any]:
    """Return a section under the present names of its keys; a former name is read with a warning."""
    values = {}
    for key, value in section.items():
        new = former.get(key, key)
        if new != key and new not in section:
            warnings.warn(f"[{name}] {key} is now called {new}", DeprecationWarning, stacklevel=4)
            key = new
        values[key] = _frozen(value)
    return values


def check_content(schema: Schema, content: Content) -> None:
    """Raise ValueError on a section or key that is unknown or missing, or a value of another kind."""
    for name in content:
        if name not in schema.sections:
            raise ValueError(f"section [{name}] must be one of {', '.join(schema.sections)}")
    for name, section in schema.sections.items():
        if section.needed and name not in content:
            raise ValueError(f"section [{name}] must be there, got {', '.join(content) or 'nothing'}")
    for name, values in content.items():
        _check_section(name, schema.sections[name], values)
    wanted = [key for name in schema.shared[:1] for key in schema.sections[name].keys]
    missing = [key for key in wanted if not any(key in content.get(name, {}) for name in schema.shared)]
    if missing:
        either = " or ".join(f"[{name}]" for name in schema.shared)
        raise ValueError(f"{either} must hold each of their keys; missing: {', '.join(missing)}{_BASE_HINT}")


def _check_section(name: str, section: Section, values: Mapping[str, Any]) -> None:
    unknown = set() if section.free else set(values) - set(section.keys)
    missing = set(section.keys) - section.optional - set(values)
    if unknown or missing:
        raise ValueError(
            f"[{name}] must hold {', '.join(section.keys)}; missing: {', '.join(sorted(missing)) or 'none'}; "
            f"unknown: {', '.join(sorted(unknown)) or 'none'}{_BASE_HINT if missing else ''}"
        )
    for key, kind in section.keys.items():
        if key in values and not _is_kind(values[key], kind):
            raise ValueError(
                f"[{name}] {key} must be {_WORDS[kind]}, got {_first_wrong(values[key], kind)!r}"
            )


def _is_kind(value: Any, kind: str) -> bool:
    if kind in _PARTS:
        return isinstance(value, tuple) and all(_is_kind(item, _PARTS[kind]) for item in value)
    if kind == "number":
        return is_number(value)
    return isinstance(value, str) or (kind == "label" and isinstance(value, int) and is_number(value))


def _first_wrong(value: Any, kind: str) -> Any:
    """Return the part of a value that is not of its kind."""
    if isinstance(value, tuple) and kind in _PARTS:
        part = _PARTS[kind]
        return next((_first_wrong(item, part) for item in value if not _is_kind(item, part)), value)
    return value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's path before the message of whatever is wrong with it."""
    try:
        yield
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
