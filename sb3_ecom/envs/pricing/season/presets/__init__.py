"""Seasons as TOML files: written by `sb3_ecom calibrate pricing`, read by name or path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sb3_ecom.core import preset_text, presets
from sb3_ecom.core.checks import check_text
from sb3_ecom.core.preset_text import Notes, rounded
from sb3_ecom.core.presets import FREE, Schema, Section, fields_of
from sb3_ecom.envs.pricing.season.params import SeasonParams

_DIGITS = 5  # significant, in the file
_KEYS = fields_of(SeasonParams)
SCHEMA = Schema(
    folder=Path(__file__).parent,
    sections={
        "source": FREE,
        "products": Section(keys={"ids": "labels"}, needed=False),
        "params": Section(keys=_KEYS, optional=frozenset(_KEYS)),
        "standard_errors": FREE,
    },
    former={},
)


def preset_names() -> tuple[str, ...]:
    """Return the shipped presets, sorted."""
    return SCHEMA.names()


def load_preset(preset: str | Path) -> SeasonParams:
    """Return the season of a shipped preset (its name) or of a TOML file (its path).

    Raises:
        ValueError: naming the file, the field, the bound and the value.
    """
    return presets.load_preset(SCHEMA, preset, lambda content: SeasonParams(**content["params"]))


def load_params(preset: str | Path | SeasonParams | None) -> dict[str, Any]:
    """Return the parameters of a preset by name; none where `preset` is None.

    Raises:
        ValueError: as `load_preset`.
    """
    if preset is None:
        return {}
    if not isinstance(preset, SeasonParams):
        check_text("preset", preset)
        preset = load_preset(preset)
    return asdict(preset)


def load_product_ids(preset: str | Path) -> tuple[str, ...]:
    """Return the ids of a preset's products, hashed or not; () where it holds none.

    Raises:
        ValueError: as `load_preset`, or if there is not one id for each product.
    """

    def read(content: presets.Content) -> tuple[str, ...]:
        ids = tuple(map(str, content.get("products", {}).get("ids", ())))
        number = SeasonParams(**content["params"]).products
        if ids and (len(ids) != number or len(set(ids)) != number):
            raise ValueError(f"[products] ids must hold {number} different ids, got {len(ids)}")
        return ids

    return presets.load_preset(SCHEMA, preset, read)


def format_preset(
    params: SeasonParams,
    errors: Mapping[str, Any],
    source: Mapping[str, Any],
    product_ids: Sequence[str] = (),
) -> str:
    """Return the TOML text of a fitted season, its source and its standard errors."""
    content: dict[str, Mapping[str, Any]] = {"source": {key: str(value) for key, value in source.items()}}
    if product_ids:
        content["products"] = {"ids": list(product_ids)}
    names = [field.name for field in fields(SeasonParams)]
    content["params"] = {name: _plain(getattr(params, name)) for name in names}
    if errors:
        content["standard_errors"] = {name: _plain(value) for name, value in errors.items()}
    notes: Notes = {"products": "in the order of [params]"}
    return preset_text.format_preset(content, "Written by `python -m sb3_ecom calibrate pricing`.", notes)


def _plain(value: Any) -> Any:
    """Return a number or numbers as the file shows them."""
    return value if isinstance(value, int) else rounded(value, _DIGITS)
