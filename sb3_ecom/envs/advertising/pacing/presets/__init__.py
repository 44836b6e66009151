"""Markets fitted from public logs or published, one TOML file each."""

from __future__ import annotations

from pathlib import Path

from sb3_ecom.core import presets
from sb3_ecom.core.presets import Schema, Section, fields_of
from sb3_ecom.envs.advertising.pacing.params import PacingParams

SCHEMA = Schema(
    folder=Path(__file__).parent, sections={"params": Section(keys=fields_of(PacingParams))}, former={}
)


def preset_names() -> tuple[str, ...]:
    """Return the shipped presets, sorted."""
    return SCHEMA.names()


def load_preset(preset: str | Path) -> PacingParams:
    """Return the market of a shipped preset's name or of a TOML file that `calibrate` wrote.

    Raises:
        ValueError: naming the file, the field, the bound and the value.
    """
    return presets.load_preset(SCHEMA, preset, lambda content: PacingParams(**content["params"]))
