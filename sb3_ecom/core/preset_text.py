"""The text of a preset: parameters as TOML, signed with a hash of what they are."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

Notes = dict[str | tuple[str, str], str]  # section, or (section, key) -> comment

SCHEMA_VERSION = 1  # of the form of the files
_SIGNATURE = re.compile(r"\s*(schema|sha256)\s*=")


def format_preset(
    content: Mapping[str, Mapping[str, Any]],
    heading: str,
    notes: Notes | None = None,
) -> str:
    """Return the signed TOML text of a preset: a list is one line, a matrix one line per row.

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
    return sign_text("\n".join(lines) + "\n")


def hash_content(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a file says, but for its hash; comments and layout do not count."""
    counted = {key: value for key, value in content.items() if key != "sha256"}
    plain = json.dumps(counted, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def sign_text(text: str) -> str:
    """Return a preset's text with its schema's version and the hash of its content below the heading.

    Raises:
        ValueError: if the text is no TOML.
    """
    content = tomllib.loads(text)
    content["schema"] = SCHEMA_VERSION
    content["sha256"] = hash_content(content)
    lines = text.split("\n")
    sections = [place for place, line in enumerate(lines) if line.lstrip().startswith("[")]
    top = sections[0] if sections else len(lines)
    head = [line for line in lines[:top] if not _SIGNATURE.match(line)]
    comments = next((k for k, line in enumerate(head) if not line.startswith("#")), len(head))
    signature = [f"{key} = {json.dumps(content[key])}" for key in ("schema", "sha256")]
    rest = head[comments:] if any(line.strip() for line in head[comments:]) or not sections else [""]
    signed = "\n".join([*head[:comments], *signature, *rest, *lines[top:]])
    if tomllib.loads(signed) != content:
        raise ValueError("schema, sha256 and base must each stand on a line of their own above all sections")
    return signed


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
