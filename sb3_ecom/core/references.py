"""Measured figures of each id: one JSON file, read by specs and tables, written by benchmark commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sb3_ecom.core.files import write_whole


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A return measured by a command of this repository."""

    policy: str = ""  # whose return it is
    value: float  # per episode, or per period (the Spec's `criterion`)
    stderr: float  # 0 where the value is computed, not simulated
    command: str  # prints or writes this figure
    results: str = ""  # the table under benchmarks/results that holds it, where there is one
    seeds: int = 0  # trainings behind a learner's figure; 0 where that is not on record
    budget: str = ""  # of the search or the training behind the policy
    minus_baseline: tuple[float, float] | None = None  # to the best baseline, paired: (mean, standard error)


@dataclass(frozen=True, kw_only=True)
class References:
    """The figures that the table of ids shows.

    Attributes:
        random: uniformly random actions.
        best_known: the optimum, a bound, or the best policy known; the Spec says which.
        best_baseline: the best policy without a learner that sees only observations.
        learner: the algorithm that zoo_configs trains.
    """

    random: Reference
    best_known: Reference
    best_baseline: Reference | None = None
    learner: Reference | None = None


ROLES = ("random", "best_known", "best_baseline", "learner")


def references_path(spec_file: str, env_id: str) -> Path:
    """Return the file of an id's figures, beside the `spec.py` that is `spec_file`."""
    return Path(spec_file).parent / "references" / f"{env_id}.json"


def load_references(spec_file: str, env_id: str) -> References:
    """Read the figures of an id.

    Args:
        spec_file: `__file__` of the task's spec.
        env_id: the id.

    Raises:
        ValueError: if the file is absent or lacks a figure.
    """
    path = references_path(spec_file, env_id)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return References(**{role: _reference(content[role]) for role in ROLES if role in content})
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} holds no references: {error}") from error


def write_references(path: Path, measured: Mapping[str, Reference]) -> None:
    """Replace the figures of some roles in a references file; the others stay.

    Raises:
        ValueError: on an unknown role.
    """
    unknown = set(measured) - set(ROLES)
    if unknown:
        raise ValueError(f"role must be one of {', '.join(ROLES)}, got {', '.join(sorted(unknown))}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for role, reference in measured.items():
        content[role] = {name: value for name, value in asdict(reference).items() if _is_said(name, value)}
    ordered = {role: content[role] for role in ROLES if role in content}
    write_whole(path, (json.dumps(ordered, indent=2) + "\n").encode())


def _reference(found: Mapping[str, Any]) -> Reference:
    pair = found.get("minus_baseline")
    return Reference(**{**found, "minus_baseline": None if pair is None else tuple(pair)})


def _is_said(name: str, value: Any) -> bool:
    return name in ("value", "stderr", "command") or bool(value)
