"""Shops of sessions as TOML files: what was fitted, what is assumed, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core import preset_text, presets
from sb3_ecom.core.checks import show
from sb3_ecom.core.preset_text import Notes, rounded
from sb3_ecom.core.presets import FREE, Content, Kind, Schema, Section, fields_of
from sb3_ecom.envs.recommendation.session.params import Catalogue, SessionParams

FITTED = (
    *("exit_base", "exit_satisfaction", "satisfaction_decay", "patience_sd"),
    *("bounce", "reopen", "repeat"),
)
_SCALARS = fields_of(SessionParams, "catalogue", "source")
_ITEMS = ("category", "price", "entry_share", "popularity", "quality", "exit_effect")
_VECTORS = ("item_factors", "click_update", "start", "retention")
_CATALOGUE: dict[str, Kind] = {
    "item_ids": "labels",
    **dict.fromkeys(_ITEMS, "numbers"),
    **dict.fromkeys(_VECTORS, "matrix"),
}
SCHEMA = Schema(
    folder=Path(__file__).parent,
    sections={
        "source": FREE,
        "fitted": Section(keys=_SCALARS, optional=frozenset(_SCALARS) - set(FITTED)),
        "standard_errors": FREE,
        "assumed": Section(keys=_SCALARS, optional=frozenset(_SCALARS)),
        "catalogue": Section(keys=_CATALOGUE, optional=frozenset({"start"})),
    },
    shared=("fitted", "assumed"),
    former={"worth": "item_factors", "impulse": "click_update", "keep": "retention"},
)


def names() -> tuple[str, ...]:
    """Return the presets that come with the package."""
    return SCHEMA.names()


def load_preset(preset: str | Path) -> SessionParams:
    """Return the shop of a shipped preset's name or of a TOML file.

    Raises:
        ValueError: if there is no such preset or file, or it does not hold a shop; names the file, the
            field, the bound and the value.
    """
    return presets.load_preset(SCHEMA, preset, _session)


def _session(content: Content) -> SessionParams:
    source = content.get("source", {})
    text = ", ".join(f"{key}: {source[key]}" for key in ("source", "log", "date") if key in source)
    numbers = {**content["fitted"], **content["assumed"]}
    catalogue = _catalogue(content["catalogue"], source.get("category_names", ()))
    return SessionParams(catalogue=catalogue, source=text, **numbers)


def _catalogue(section: Mapping[str, Any], category_names: Any) -> Catalogue:
    values: dict[str, Any] = {"start": section["click_update"], **section}
    if not isinstance(category_names, list | tuple):
        raise ValueError(f"category_names must be a list of names, got {show(category_names)}")
    values["category_names"] = tuple(map(str, category_names))
    values["item_ids"] = tuple(map(str, values["item_ids"]))
    for name in ("entry_share", "popularity"):
        share = np.asarray(values[name], dtype=float)
        if share.size and abs(share.sum() - 1) < 0.01:  # rounded in the file
            values[name] = share / share.sum()
    return Catalogue(**values)


def _short(rows: Any) -> list[list[float]]:
    return [[round(value, 3) for value in row] for row in np.asarray(rows).tolist()]


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
    scalars = {field.name: getattr(params, field.name) for field in fields(params) if field.name in _SCALARS}
    vectors = {name: _short(getattr(items, name)) for name in _VECTORS}
    if np.array_equal(items.start, items.click_update):
        del vectors["start"]
    if items.category_names:
        source = {**source, "category_names": list(items.category_names)}
    content = {
        "source": source,
        "fitted": {name: rounded(value, 5) for name, value in scalars.items() if name in FITTED},
        "standard_errors": {name: rounded(error, 3) for name, error in standard_errors.items()},
        "assumed": {name: rounded(value, 5) for name, value in scalars.items() if name not in FITTED},
        "catalogue": {
            "item_ids": list(ids),
            **{name: rounded(getattr(items, name), 5) for name in _ITEMS},
            **vectors,
        },
    }
    notes: Notes = {
        "fitted": "from the log, by maximum likelihood",
        "assumed": "what a log of clicks does not say",
        "catalogue": "fitted, but for item_ids, category and price; one entry per item",
    }
    heading = 'A shop for EcomRec-v0: gymnasium.make("EcomRec-v0", preset="<this file>").'
    return preset_text.format_preset(content, heading, notes)
