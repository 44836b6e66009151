"""Read and write shops as TOML: what was fitted, what is assumed, and where it comes from."""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams

FITTED = (
    *("exit_base", "exit_satisfaction", "satisfaction_decay", "patience_sd"),
    *("bounce", "reopen", "repeat"),
)
_TABLE = ("category", "price", "entry_share", "popularity", "quality", "exit_effect")
_VECTORS = ("item_factors", "click_update", "start", "retention")
_FORMER_NAMES = {"worth": "item_factors", "impulse": "click_update", "keep": "retention"}
_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the presets that come with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_preset(name: str | Path) -> SessionParams:
    """Return the shop of a shipped preset's name or of a TOML file.

    Raises:
        ValueError: if there is no such preset or file, or it does not hold a shop; names the file, the
            field, the bound and the value.
    """
    path = _FOLDER / f"{name}.toml" if str(name) in names() else Path(name)
    if not path.is_file():
        raise ValueError(f"preset must be one of {', '.join(names())} or a TOML file, got {str(name)!r}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _read(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _read(content: Mapping[str, Any]) -> SessionParams:
    for section in ("fitted", "assumed", "catalogue"):
        if not isinstance(content.get(section), Mapping):
            raise ValueError(f"section [{section}] must be there, got {', '.join(content) or 'nothing'}")
    known = {field.name for field in fields(SessionParams)} - {"catalogue", "source"}
    numbers = {**content["fitted"], **content["assumed"]}
    for name, value in numbers.items():
        if name not in known:
            raise ValueError(f"{name} must be one of {', '.join(sorted(known))}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name} must be a number, got {value!r}")
    for name in FITTED:
        if name not in numbers:
            raise ValueError(f"{name} must stand in [fitted], got {', '.join(content['fitted'])}")
    source = content.get("source", {})
    text = ", ".join(f"{key}: {source[key]}" for key in ("source", "log", "date") if key in source)
    return SessionParams(catalogue=_read_catalogue(content["catalogue"]), source=text, **numbers)


def _read_catalogue(table: Mapping[str, Any]) -> Catalogue:
    arrays: dict[str, Any] = dict(table)
    for old, new in _FORMER_NAMES.items():  # of files written before 0.1
        if old in arrays and new not in arrays:
            warnings.warn(f"[catalogue] {old} is now called {new}", DeprecationWarning, stacklevel=4)
            arrays[new] = arrays.pop(old)
    arrays.setdefault("start", arrays.get("click_update"))
    known = {field.name for field in fields(Catalogue)}
    if set(arrays) != known:
        missing, strange = sorted(known - set(arrays)), sorted(set(arrays) - known)
        raise ValueError(
            f"[catalogue] must hold {', '.join(sorted(known))}; missing {missing}, unknown {strange}"
        )
    arrays["item_ids"] = tuple(str(item) for item in arrays["item_ids"])
    for name in ("entry_share", "popularity"):
        share = np.asarray(arrays[name], dtype=float)
        if share.size and abs(share.sum() - 1) < 0.01:  # rounded in the file
            arrays[name] = share / share.sum()
    return Catalogue(**arrays)


def format_preset(
    params: SessionParams,
    source: Mapping[str, Any],
    standard_errors: Mapping[str, float],
    item_ids: Sequence[str] | None = None,
) -> str:
    """Return the TOML text of a shop.

    Args:
        params: the shop.
        source: where it comes from: log, date, row counts and the like.
        standard_errors: of fitted numbers, by name.
        item_ids: names to write in place of the catalogue's own.
    """
    items = params.catalogue
    ids = items.item_ids if item_ids is None else tuple(item_ids)
    if len(ids) != items.size:
        raise ValueError(f"item_ids must hold {items.size} names, got {len(ids)}")
    scalars = [field.name for field in fields(params) if field.name not in ("catalogue", "source")]
    lines = ['# A shop for EcomRec-v0: gymnasium.make("EcomRec-v0", preset="<this file>").', "[source]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in source.items()]
    lines += ["", "[fitted]  # from the log, by maximum likelihood"]
    lines += [f"{name} = {_number(getattr(params, name))}" for name in scalars if name in FITTED]
    lines += ["", "[standard_errors]"]
    lines += [f"{_key(name)} = {_number(error, 3)}" for name, error in standard_errors.items()]
    lines += ["", "[assumed]  # what a log of clicks does not say"]
    lines += [f"{name} = {_number(getattr(params, name))}" for name in scalars if name not in FITTED]
    lines += ["", "[catalogue]  # fitted, but for item_ids, category and price; one entry per item"]
    lines += [f"item_ids = {json.dumps(list(ids), ensure_ascii=False)}"]
    lines += [f"{name} = [{', '.join(_number(x) for x in getattr(items, name))}]" for name in _TABLE]
    for name in _VECTORS:
        if name != "start" or not np.array_equal(items.start, items.click_update):
            lines += _matrix(name, getattr(items, name))
    return "\n".join(lines) + "\n"


def _matrix(name: str, rows: Any) -> list[str]:
    return [f"{name} = [", *[f"  [{', '.join(f'{x:.3f}' for x in row)}]," for row in rows], "]"]


def _number(value: float, digits: int = 5) -> str:
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value)) if isinstance(value, (int, np.integer)) else f"{float(value):.1f}"
    return f"{float(value):.{digits}g}"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)
