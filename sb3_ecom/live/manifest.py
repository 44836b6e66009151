"""Manifest of an exported policy: what it is, what it was trained on, and what it earned in the simulator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sb3_ecom.core.files import write_whole

SCHEMA = 1
FILE = "manifest.json"
POLICY = "policy.onnx"
INT8 = "policy.int8.onnx"
PRESET = "preset.toml"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything about an exported policy that is no array.

    Attributes:
        env_id: id that it was trained on.
        env_kwargs: its arguments beside the preset.
        algo: rl-zoo's name of the algorithm.
        name: what decision logs call it; the version is made from the hash of the files.
        files: name -> sha256 of every other file in the folder.
        versions: package -> version at export.
        opset: of the ONNX graph.
        rule: name, largest offset and tuned constants of the rule that the policy shifts, or None.
        command: that trained it, where the run says it.
        simulated: mean return with standard error in the simulator, by variant of the policy.
    """

    env_id: str
    env_kwargs: Mapping[str, Any]
    algo: str
    name: str
    files: Mapping[str, str]
    versions: Mapping[str, str]
    opset: int
    rule: Mapping[str, Any] | None = None
    command: str = ""
    simulated: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def version(self) -> str:
        """Short hash over the files: changes with every change of the policy or its preset."""
        joined = json.dumps([self.files, self.rule], sort_keys=True)
        return hashlib.sha256(joined.encode()).hexdigest()[:8]

    @property
    def policy(self) -> str:
        """Name and version, as decision logs hold it."""
        return f"{self.name}@{self.version}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`."""
    write_whole(folder / FILE, (json.dumps(asdict(manifest), indent=2) + "\n").encode())


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of an exported policy.

    Raises:
        ValueError: if the folder holds none, its schema is another one, or a file is missing or was changed.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} is no exported policy (`sb3-ecom export` makes one): {error}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else content
        raise ValueError(f"{path}: schema must be {SCHEMA}, got {found!r}")
    known = {each.name for each in fields(Manifest)}
    if set(content) - known or {"env_id", "files"} - set(content):
        strange = ", ".join(sorted(set(content) ^ known))
        raise ValueError(f"{path} must hold the fields {', '.join(sorted(known))}; differs in {strange}")
    manifest = Manifest(**content)
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise ValueError(f"{folder} lacks {name}, which its manifest names")
        if hash_file(file) != expected:
            raise ValueError(f"{file} was changed since it was exported: its sha256 is not the manifest's")
    return manifest


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
