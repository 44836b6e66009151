"""Fitted shops as TOML files: written by `sb3_ecom calibrate inventory`, read by name or path."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sb3_ecom.core.files import content_key
from sb3_ecom.envs.inventory.shop.demand_params import ShopDemand

_LISTS = ("mean", "shape", "price", "weekday", "season")
_NUMBERS = ("persistence", "drift_sd")


def load_preset(preset: str) -> ShopDemand:
    """Return the demand of a shipped preset (its name) or of a TOML file (its path).

    Raises:
        ValueError: if there is no such preset, or the file is no preset.
    """
    folder = Path(__file__).parent
    path = Path(preset) if preset.endswith(".toml") else folder / f"{preset}.toml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
        raise ValueError(f"preset must be one of {known}, or the path of a .toml file, got {preset!r}")
    return _read(path, content_key(path))


@lru_cache(maxsize=16)
def _read(path: Path, _content: str | None) -> ShopDemand:
    try:
        demand = tomllib.loads(path.read_text(encoding="utf-8"))["demand"]
        return ShopDemand(**{name: demand[name] for name in (*_LISTS, *_NUMBERS)})
    except KeyError as error:
        raise ValueError(f"{path} is no inventory preset: [demand] {error} is missing") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no inventory preset: {error}") from error


def format_preset(
    demand: ShopDemand,
    errors: Mapping[str, tuple[float, ...]],
    source: Mapping[str, Any],
    item_ids: Sequence[str] = (),
) -> str:
    """Return the TOML text of a fitted shop, its source and its standard errors."""
    lines = ["# Written by `python -m sb3_ecom calibrate inventory`.", "", "[source]"]
    lines += [f"{_quote(key)} = {_quote(str(value))}" for key, value in source.items()]
    if item_ids:
        lines += ["", "[items]  # in the order of [demand]", f"ids = [{', '.join(map(_quote, item_ids))}]"]
    lines += ["", "[demand]"]
    lines += [f"{name} = {_row(getattr(demand, name))}" for name in _LISTS]
    lines += [f"{name} = {getattr(demand, name):.5g}" for name in _NUMBERS]
    if errors:
        lines += ["", "[standard_errors]  # parametric bootstrap"]
        lines += [f"{name} = {_row(values)}" for name, values in errors.items()]
    return "\n".join(lines) + "\n"


def _row(values: tuple[float, ...]) -> str:
    return f"[{', '.join(repr(float(f'{value:.5g}')) for value in values)}]"


def _quote(text: str) -> str:
    cleaned = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + cleaned.replace("\\", "\\\\").replace('"', '\\"') + '"'
