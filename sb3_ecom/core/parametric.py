"""Baselines that declare their numbers with bounds, so that one search tunes them all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from sb3_ecom.core.checks import check_number
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.registry import Policy


class Parameter(NamedTuple):
    """A number of a rule."""

    name: str
    low: float
    high: float
    start: float  # the textbook's or the first guess, in [low, high]


@dataclass(frozen=True)
class Parametric:
    """A baseline with numbers that can be tuned; called on a task it is the rule at its present ones.

    Attributes:
        make: (task, number by name) -> policy.
        parameters: its numbers.
        values: the present ones by name, where they are not each parameter's start.
        budget: of the search that found `values`; empty where they were not searched for.
    """

    make: Callable[..., Policy]
    parameters: tuple[Parameter, ...]
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    budget: str = ""

    def __post_init__(self) -> None:
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in self.values.items():
            if name not in known:
                raise ValueError(f"a number must be one of {', '.join(known)}, got {name!r}")
            check_number(name, value, low=known[name].low, high=known[name].high)
        object.__setattr__(self, "__doc__", self.make.__doc__)

    @property
    def present(self) -> dict[str, float]:
        """Every number by name."""
        return {
            parameter.name: self.values.get(parameter.name, parameter.start) for parameter in self.parameters
        }

    def __call__(self, task: Any) -> Policy:
        """Make the policy at the present numbers."""
        return self.make(task, **self.present)

    def at(self, values: Mapping[str, float], budget: str = "") -> Parametric:
        """Return the rule at other numbers.

        Raises:
            ValueError: on an unknown number or one out of its bounds.
        """
        return replace(self, values=dict(values), budget=budget)


def tuned_path(spec_file: str, env_id: str) -> Path:
    """Return the file of an id's tuned numbers, beside the `spec.py` that is `spec_file`."""
    return Path(spec_file).parent / "tuned" / f"{env_id}.json"


def with_tuned(
    spec_file: str, env_id: str, baselines: Mapping[str, Callable[[Any], Policy]]
) -> dict[str, Callable[[Any], Policy]]:
    """Return the baselines of an id at the numbers that `benchmarks/tune.py` wrote, where there are any.

    Raises:
        ValueError: if the file names a rule that has no numbers, or numbers out of their bounds.
    """
    path = tuned_path(spec_file, env_id)
    found = dict(baselines)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name, entry in kept.items():
        rule = found.get(name)
        if not isinstance(rule, Parametric):
            raise ValueError(f"{path} has numbers of {name!r}, which is no rule with numbers")
        found[name] = rule.at(entry["values"], entry["budget"])
    return found


def write_tuned(path: Path, name: str, values: Mapping[str, float], budget: str, command: str) -> None:
    """Put the tuned numbers of one rule into an id's file; the others stay."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[name] = {"values": dict(values), "budget": budget, "command": command}
    path.parent.mkdir(exist_ok=True)
    write_whole(path, (json.dumps(kept, indent=2, sort_keys=True) + "\n").encode())
