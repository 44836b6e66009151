"""Fitted shops as TOML files: written by `sb3_ecom calibrate inventory`, read by name or path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sb3_ecom.core import preset_text, presets
from sb3_ecom.core.preset_text import Notes, rounded
from sb3_ecom.core.presets import FREE, Content, Kind, Schema, Section, fields_of
from sb3_ecom.envs.inventory.shop.demand_params import ShopDemand

_DIGITS = 5  # significant, in the file
_DEMAND: dict[str, Kind] = fields_of(ShopDemand)
SCHEMA = Schema(
    folder=Path(__file__).parent,
    sections={
        "source": FREE,
        "items": Section(keys={"ids": "labels"}, needed=False),
        "demand": Section(keys=_DEMAND),
        "standard_errors": FREE,
    },
    former={},
)


def load_preset(preset: str) -> ShopDemand:
    """Return the demand of a shipped preset (its name) or of a TOML file (its path).

    Raises:
        ValueError: naming the file, the field, the bound and the value.
    """
    return presets.load_preset(SCHEMA, preset, _demand)


def load_shop(preset: str | Path) -> tuple[ShopDemand, tuple[str, ...]]:
    """Return the demand of a preset and its item ids, hashed or not, in the same order; () where it has none.

    Raises:
        ValueError: as `load_preset`, or if there is not one id for each item.
    """

    def read(content: Content) -> tuple[ShopDemand, tuple[str, ...]]:
        ids = tuple(map(str, content.get("items", {}).get("ids", ())))
        items = len(content["demand"]["mean"])
        if ids and (len(ids) != items or len(set(ids)) != items):
            raise ValueError(f"[items] ids must hold {items} different ids, got {len(ids)}")
        return _demand(content), ids

    return presets.load_preset(SCHEMA, preset, read)


def _demand(content: Content) -> ShopDemand:
    return ShopDemand(**content["demand"])


def format_preset(
    demand: ShopDemand,
    errors: Mapping[str, tuple[float, ...]],
    source: Mapping[str, Any],
    item_ids: Sequence[str] = (),
) -> str:
    """Return the TOML text of a fitted shop, its source and its standard errors."""
    content: dict[str, Mapping[str, Any]] = {"source": {key: str(value) for key, value in source.items()}}
    if item_ids:
        content["items"] = {"ids": list(item_ids)}
    content["demand"] = {name: rounded(getattr(demand, name), _DIGITS) for name in _DEMAND}
    if errors:
        content["standard_errors"] = {name: rounded(values, _DIGITS) for name, values in errors.items()}
    notes: Notes = {"items": "in the order of [demand]", "standard_errors": "parametric bootstrap"}
    return preset_text.format_preset(content, "Written by `python -m sb3_ecom calibrate inventory`.", notes)
