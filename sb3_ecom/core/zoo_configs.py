"""Finds the rl-zoo configurations that are shipped with the package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def zoo_configs() -> dict[str, Path]:
    """Return algorithm -> YAML file, from the wheel or from the checkout."""
    shipped = _PACKAGE / "zoo_configs"
    folder = shipped if shipped.is_dir() else _PACKAGE.parent / "zoo_configs"
    return {path.stem: path for path in sorted(folder.glob("*.yml"))}
