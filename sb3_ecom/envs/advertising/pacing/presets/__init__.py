"""Parameters fitted from public logs or published, one TOML file per preset and model."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any, TypeVar

Params = TypeVar("Params", bound=Any)


def preset_names() -> tuple[str, ...]:
    """Return the shipped presets, sorted."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml")))


def load_preset(name: str, kind: type[Params]) -> Params:
    """Return a preset's parameters; a path to a TOML file that `calibrate` wrote does too.

    A file may name another preset as its ``base`` and hold only what differs.

    Raises:
        ValueError: on an unknown preset (the known ones are listed) or a parameter that the model lacks.
    """
    if name.endswith(".toml"):
        with open(name, "rb") as file:
            table = tomllib.load(file)
    elif name in preset_names():
        table = tomllib.loads(resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    else:
        known = ", ".join(preset_names())
        raise ValueError(f"preset must be one of {known} or a path to a .toml file, got {name!r}")
    given = {key: _frozen(value) for key, value in table.get("params", {}).items()}
    try:
        base: Any = load_preset(table["base"], kind) if "base" in table else None
        made: Params = kind(**given) if base is None else replace(base, **given)
    except TypeError as error:
        raise ValueError(f"preset {name!r} does not fit {kind.__name__}: {error}") from error
    return made


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
