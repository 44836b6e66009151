"""Parameters as TOML files: one loader and one writer for the presets of every task.

A task says in a `Schema` which sections and keys its files hold; a key that is unknown or missing, or a value
of another kind, is an error that names the file and the field. A file may name another preset as its ``base``
and hold only what differs.
"""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from sb3_ecom.core.checks import is_number

Kind = Literal["number", "numbers", "matrix", "text", "labels"]
Content = dict[str, dict[str, Any]]  # section -> key -> value
Notes = dict[str | tuple[str, str], str]  # section, or (section, key) -> comment
Made = TypeVar("Made")

_WORDS = {
    "number": "a finite number",
    "numbers": "a list of finite numbers",
    "matrix": "a list of rows of finite numbers",
    "text": "text",
    "labels": "a list of texts or whole numbers",
}
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
    """

    folder: Path
    sections: Mapping[str, Section]
    former: Mapping[str, str]

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


def _check_section(name: str, section: Section, values: Mapping[str, Any]) -> None:
    unknown = set() if section.free else set(values) - set(section.keys)
    missing = set(section.keys) - section.optional - set(values)
    if unknown or missing:
        raise ValueError(
            f"[{name}] must hold {', '.join(section.keys)}; missing: {', '.join(sorted(missing)) or 'none'}; "
            f"unknown: {', '.join(sorted(unknown)) or 'none'}"
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


def format_preset(
    content: Mapping[str, Mapping[str, Any]],
    heading: str,
    notes: Notes | None = None,
) -> str:
    """Return the TOML text of a preset: a list is one line, a matrix one line per row.

    Args:
        content: section -> key -> number, text, list or NumPy array; tables within a section come last.
        heading: comment above all.
        notes: comments behind a section's head, by its name, or behind a value, by (section, key).
    """
    lines = [f"# {_one_line(heading)}"]
    for section, values in content.items():
        lines += ["", f"[{section}]{_note(notes, section)}"]
        tables = {}
        for key, value in values.items():
            if isinstance(value, Mapping):
                tables[str(key)] = value
            else:
                lines.append(_assign(str(key), value) + _note(notes, (section, str(key))))
        for key, value in tables.items():
            lines += ["", f"[{section}.{_assign(key, 0).removesuffix(' = 0')}]"]
            lines += [_assign(str(name), item) for name, item in value.items()]
    return "\n".join(lines) + "\n"


def rounded(value: Any, digits: int) -> Any:
    """Return numbers, or nested sequences of them, at `digits` significant digits; whole ones as they are."""
    if isinstance(value, str | bool):
        return value
    if hasattr(value, "tolist"):
        return rounded(value.tolist(), digits)
    if isinstance(value, Sequence):
        return [rounded(item, digits) for item in value]
    whole = isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15)
    return value if whole else float(f"{value:.{digits}g}")


def _assign(key: str, value: Any) -> str:
    """Return ``key = value``; tomli-w writes one entry of a list per line, here they share one."""
    import tomli_w

    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, list | tuple) and plain and isinstance(plain[0], list | tuple):
        rows = [_assign("row", row).removeprefix("row = ") for row in plain]
        name = _assign(key, 0).removesuffix("0")
        return name + "[\n" + "".join(f"  {row},\n" for row in rows) + "]"
    if isinstance(plain, str):
        plain = plain.encode("utf-8", "replace").decode()
    text = tomli_w.dumps({key: plain}).strip("\n")
    head, *items = text.split("\n")  # no text holds a line break: tomli-w escapes them
    if not items:
        return head
    return head + ", ".join(item.strip().removesuffix(",") for item in items[:-1]) + items[-1]


def _note(notes: Notes | None, key: str | tuple[str, str]) -> str:
    note = (notes or {}).get(key)
    return f"  # {_one_line(note)}" if note else ""


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
